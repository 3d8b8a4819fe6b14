"""Where the extra features of a run's batches come from."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from pipelines.data.batches.extra_features import ExtraFeatures
from pipelines.data.precomputed.neighbour_captions import neighbour_ids
from pipelines.data.precomputed.reconstructions import Reconstructions
from pipelines.data.precomputed.sentence_vectors import Sentences, open_encoder
from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from t2i_tf.checkpoints import SENTENCE_ENCODER
from t2i_tf.errors import UserError
from t2i_tf.sentence_encoder.encoder import SentenceEncoder


class FeatureSources:
    """The features that were computed once for a data folder, and are kept beside it.

    Args:
        folder: the data.
        workdir: of the run; its sentence encoder goes before the one beside the data.
        lengths: of the captions that the run uses.
        sentences: the encoder, as `open_encoder` takes it.
        reconstructions: work folder of the model that reconstructs the pictures.
    """

    def __init__(
        self,
        folder: DataFolder,
        workdir: Path,
        lengths: LengthRange,
        sentences: Path | None = None,
        reconstructions: Path | None = None,
    ):
        self.folder, self.lengths = folder, lengths
        kept = Path(workdir) / SENTENCE_ENCODER
        self._encoder = sentences or (kept if kept.exists() else None)
        self._reconstructions = reconstructions
        self._makers: dict[str, Callable] = {
            "sentence": lambda split: self._sentences.vectors(split),
            "neighbour_ids": lambda split: neighbour_ids(self.folder, split, self.lengths),
            "reconstruction": self._reconstruct,
        }

    @property
    def encoder(self) -> SentenceEncoder:
        """The sentence encoder, standardized on the data; UserError where there is none."""
        return self._sentences.encoder

    def features(self, names: tuple[str, ...], split: str) -> ExtraFeatures:
        """The named features that are not part of every batch."""
        return {name: self._makers[name](split) for name in names if name in self._makers}

    @cached_property
    def _sentences(self) -> Sentences:
        return Sentences(self.folder, open_encoder(self.folder, self._encoder))

    def _reconstruct(self, split: str):
        if self._reconstructions is None:
            raise UserError(
                "This run learns from a drawing model's reconstructions: name the model's work "
                "folder with --reconstructions, or take --model.pairs coarse."
            )
        return Reconstructions(self.folder, self._reconstructions, self.lengths).pictures(split)
