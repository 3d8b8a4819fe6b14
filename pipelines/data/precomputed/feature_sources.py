"""The sources of the extra features in a run's batches."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np

from pipelines.data.batches.extra_features import ExtraFeatures
from pipelines.data.precomputed.neighbour_captions import neighbour_ids
from pipelines.data.precomputed.reconstructions import Reconstructions
from pipelines.data.precomputed.sentence_vectors import SentenceVectors, open_encoder
from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.split_reader import CaptionReader
from t2i_tf.checkpoints import SENTENCE_ENCODER
from t2i_tf.errors import UserError
from t2i_tf.sentence_encoder.encoder import SentenceEncoder


class FeatureSources:
    """The features that are computed once for a data folder, most of them cached beside it.

    Args:
        captions: Captions of the data folder.
        workdir: Work folder of the run; its sentence encoder precedes the one beside the data.
        lengths: Captions that the run uses.
        sentences: Sentence encoder, as in `open_encoder`.
        reconstructions: Work folder or preset of the model that reconstructs the images.
    """

    def __init__(
        self,
        captions: CaptionReader,
        workdir: Path,
        lengths: LengthRange,
        sentences: str | Path | SentenceEncoder | None = None,
        reconstructions: str | Path | None = None,
    ):
        self.captions, self.lengths = captions, lengths
        begun_with = Path(workdir) / SENTENCE_ENCODER
        self._encoder = sentences or (begun_with if begun_with.exists() else None)
        self._reconstructions = reconstructions
        self._makers: dict[str, Callable] = {
            "sentence": lambda split: self._sentences.vectors(split),
            "neighbour_ids": self._neighbours,
            "reconstruction": self._reconstruct,
        }

    @property
    def encoder(self) -> SentenceEncoder:
        """The sentence encoder, standardized on the data; UserError if there is none."""
        return self._sentences.encoder

    def features(self, names: tuple[str, ...], split: str) -> ExtraFeatures:
        """Those of the named features that are not part of every batch, for each caption."""
        return {name: self._makers[name](split) for name in names if name in self._makers}

    @cached_property
    def _sentences(self) -> SentenceVectors:
        return SentenceVectors(self.captions, open_encoder(self.captions.folder, self._encoder))

    def _neighbours(self, split: str) -> np.ndarray:
        vocabulary = self.captions.folder.vocabulary
        return neighbour_ids(self.captions.read(split), vocabulary, self.lengths)

    def _reconstruct(self, split: str) -> np.ndarray:
        if self._reconstructions is None:
            raise UserError(
                "This run learns from a drawing model's reconstructions: name the model's work "
                "folder with --reconstructions, or take --model.pairs coarse."
            )
        return Reconstructions(self.captions, self._reconstructions, self.lengths).pictures(split)
