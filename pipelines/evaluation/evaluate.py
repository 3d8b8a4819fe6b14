"""Measures a trained system as the paper does, and where the paper did not: `evaluation.json`."""

import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.benchmarks.machine import machine_summary
from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import CaptionedImages, read_captioned_images
from pipelines.evaluation.caption_accuracy import HELD_OUT
from pipelines.evaluation.distribution_metrics import Features, realism_figures
from pipelines.evaluation.features.inception import Inception
from pipelines.evaluation.features.word_classifier import open_classifier
from pipelines.evaluation.image_similarity import (
    diversity_figures,
    draw_samples,
    similarity_figures,
)
from pipelines.evaluation.likelihood.elbo import measure_bounds
from pipelines.evaluation.likelihood.scorer import Scorer
from pipelines.evaluation.load_run import about_run, open_run
from pipelines.evaluation.retrieval.hard_candidates import candidates
from pipelines.evaluation.retrieval.mean_caption import CAPTIONS, mean_caption
from pipelines.evaluation.retrieval.protocol import ceiling_figures, measure_retrieval
from pipelines.evaluation.settings import POOL, Sizes, check_seed
from pipelines.evaluation.told_and_drawn import measure_told_and_drawn
from pipelines.judges.open_judge import SceneLabel, read_label
from pipelines.sampling.sampler import Sampler
from pipelines.sampling.sharpener import Sharpener
from t2i_tf.checkpoints import Trained
from t2i_tf.errors import UsageError, UserError
from t2i_tf.json_files import write_json

FILE = "evaluation.json"

Evaluation = dict[str, Any]


def evaluate(
    workdir: Path,
    data: Path,
    *,
    sharpen: Path | None = None,
    out: Path | None = None,
    split: str = "test",
    seed: int = 0,
    inception: Path | None = None,
    **sizes: int,
) -> Evaluation:
    """Measure the system of a work folder, and write what was found when all of it is there.

    A figure is {"value", "low", "high"}, see `figures`; one that the system or the data cannot have
    is None: a GAN has neither bound nor retrieval.

    Args:
        workdir: of a text-to-image system; its best checkpoint is taken.
        data: the data folder that it was trained on.
        sharpen: work folder of a sharpener, for the figures after sharpening.
        out: file; WORKDIR/evaluation.json where not given.
        split: of pictures that training did not see, and of compositions that it did.
        seed: of all noise, the same in every measurement of another system; 0 or more.
        inception: file of InceptionV3's weights, for precision, recall and KID by its features too.
        sizes: the fields of `Sizes` that are not to be the defaults.

    Returns:
        `system`, the paper's name; `run`, see `about_run`; `bound`, see `measure_bounds`, nats;
        `retrieval`, see `measure_retrieval`, with `ceiling`, see `ceiling_figures`, and the same
        of captions of held-out compositions as `held_out`; `ssim`, with `mean`, `spread`, and the
        same again `sharpened`; `caption_accuracy`, see
        `measure_told_and_drawn`; `diversity`; `precision_recall` and `kid`; `settings`,
        `seconds` of each part, and `machine`.

    Raises:
        UsageError: a size, seed or split that cannot be.
        UserError: a folder does not hold what it should, a size or a vocabulary is another, or the
            split has fewer pictures than candidates are asked for.
    """
    wanted = Sizes(**sizes).checked().reduced()
    _check(split, seed)
    workdir, folder = Path(workdir), DataFolder.open(data)
    out = Path(out) if out else workdir / FILE
    trained = open_run(workdir, folder)
    if out.is_dir() or not out.parent.is_dir():
        raise UserError(f"Expected --out to be a file in a folder that is there, got {out}.")
    sharpener = Sharpener.load(sharpen) if sharpen else None
    sampler = Sampler(trained, sharpener)
    other_features = Inception(inception).features if inception else None
    lengths = LengthRange(trained.config.min_words, trained.config.max_words)
    test = read_captioned_images(folder, split, POOL, lengths)
    if trained.model.bound is not None:
        _check_candidates(folder, split, len(test.images), wanted.candidates)
    classifier, about_classifier = open_classifier(folder)
    features = classifier.features
    parts = _Parts(trained, folder, lengths, test, sampler, wanted, seed)
    seconds: dict[str, float] = {}
    bound = retrieval = None
    if trained.model.bound is not None:
        scorer = Scorer(trained, sharpener)
        bound = _timed(seconds, parts.bounds, scorer)
        retrieval = _timed(seconds, parts.retrieval, scorer, features)
    ssim, diversity = _timed(seconds, parts.samples)
    accuracy = _timed(seconds, parts.accuracy)
    realism = _timed(seconds, parts.realism, {"classifier": features, "inception": other_features})
    result = {
        "system": trained.model.title,
        "run": about_run(workdir, trained, folder),
        "bound": bound,
        "retrieval": retrieval,
        "ssim": ssim,
        "caption_accuracy": accuracy,
        "diversity": diversity,
        **realism,
        "settings": {
            "data": str(data),
            "source": folder.manifest.source,
            "split": split,
            "split_pictures": len(test.images),
            "words": [lengths.shortest, lengths.longest],
            "sharpen": str(sharpen) if sharpen else None,
            "classifier": about_classifier.weights,
            "inception": str(inception) if inception else None,
            "seed": seed,
            "sizes": dataclasses.asdict(wanted),
        },
        "seconds": seconds,
        "machine": machine_summary(),
    }
    write_json(out, result)
    return result


@dataclasses.dataclass(frozen=True)
class _Parts:
    """The parts of an evaluation; `test` are pictures that training did not see."""

    trained: Trained
    folder: DataFolder
    lengths: LengthRange
    test: CaptionedImages
    sampler: Sampler
    wanted: Sizes
    seed: int

    def bounds(self, scorer: Scorer) -> dict[str, Any]:
        names = [name for name in ("train", "val") if name in self.folder.manifest.splits]
        splits = {name: self._told(name, self.wanted.pictures) for name in names}
        splits["test"] = self.test.first(self.wanted.pictures)
        return measure_bounds(scorer, splits, weighed=self.wanted.weighed, seed=self.seed)

    def retrieval(self, scorer: Scorer, features: Features) -> dict[str, Any]:
        mean = mean_caption(self.trained, self._told("train", CAPTIONS).captions)

        def search(told: CaptionedImages, count: int, few: int = 0) -> dict[str, Any]:
            """Search for the first `count` pictures among all of them."""
            chosen = candidates(features(told.images), self.wanted.candidates, count)
            read = scorer.read(told.captions[:count])
            found = measure_retrieval(
                scorer, told.images, read, chosen, mean, few=few, seed=self.seed
            )
            shown = self._shown(told)
            return found | {"ceiling": shown and ceiling_figures(shown, chosen)}

        count = min(self.wanted.captions, len(self.test.captions))
        found = search(self.test, count, few=max(count // 10, 2))
        if HELD_OUT not in self.folder.manifest.splits:
            return found | {"held_out": None}
        held_out = self._told(HELD_OUT, self.wanted.captions)
        among = held_out.followed_by(self.test)
        return found | {"held_out": search(among, len(held_out.captions))}

    def samples(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """The figures of structural similarity and of diversity, of the same drawings."""
        told, samples = self.test.first(self.wanted.similar), self.wanted.samples
        drawn, sharpened = draw_samples(self.sampler, told, samples, self.seed)
        ssim = similarity_figures(drawn, told.images)
        if ssim is not None:
            after = None if sharpened is None else similarity_figures(sharpened, told.images)
            ssim |= {"sharpened": after, "captions": len(drawn), "samples": samples}
        return ssim, diversity_figures(drawn, told.captions, self.folder)

    def accuracy(self) -> dict[str, Any] | None:
        return measure_told_and_drawn(
            self.sampler,
            self.folder,
            self.test.first(2 * self.wanted.judged),
            lengths=self.lengths,
            pictures=self.wanted.judged,
            seed=self.seed,
        )

    def realism(self, networks: Mapping[str, Features | None]) -> dict[str, Any]:
        told = self.test.first(self.wanted.pictures)
        seeds = self.seed + np.arange(len(told.captions))
        drawn = self.sampler.draw_images(told.captions, seeds, "Drawing a picture of each caption")
        return realism_figures(told.images, drawn.images, networks)

    def _told(self, split: str, count: int) -> CaptionedImages:
        return read_captioned_images(self.folder, split, count, self.lengths)

    def _shown(self, told: CaptionedImages) -> list[SceneLabel] | None:
        """What pictures show, None where their records do not tell."""
        try:
            return [read_label(attributes, self.folder) for attributes in told.attributes]
        except UserError:
            return None


def _timed(seconds: dict[str, float], part: Callable, *args) -> Any:
    """What a part gives; how long it took is noted under its name."""
    start = time.monotonic()
    result = part(*args)
    seconds[part.__name__] = round(time.monotonic() - start, 1)
    return result


def _check(split: str, seed: int) -> None:
    if split in ("train", HELD_OUT):
        raise UsageError(
            f"Expected a split of new pictures of seen compositions, as `test` is, got {split!r}. "
            "Figures of `train` and `held_out` are told beside those of `test`."
        )
    check_seed(seed)


def _check_candidates(folder: DataFolder, split: str, there: int, count: int) -> None:
    if there < count:
        raise UserError(
            f"Retrieval among {count} candidates needs as many pictures: the split {split!r} of "
            f"{folder.path} has {there} to choose from. Ask for fewer with --candidates."
        )
