"""The parts of an evaluation, each measured on the same system, split and seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import (
    CaptionedImages,
    read_captioned_images,
    read_images,
)
from pipelines.evaluation.caption_accuracy import HELD_OUT, find_labels, measure_caption_accuracy
from pipelines.evaluation.distribution_metrics import DistributionMetrics, distribution_metrics
from pipelines.evaluation.features.efficientnet import EfficientNet
from pipelines.evaluation.features.inception import Inception
from pipelines.evaluation.features.word_classifier import Classifier, open_classifier
from pipelines.evaluation.image_similarity import (
    REAL_IMAGES,
    draw_samples,
    measure_diversity,
    measure_gradient,
    measure_similarity,
)
from pipelines.evaluation.likelihood.elbo import measure_bounds
from pipelines.evaluation.likelihood.scorer import Scorer
from pipelines.evaluation.load_run import open_run, trained_lengths
from pipelines.evaluation.results import (
    Bounds,
    CaptionAccuracy,
    Diversity,
    Gradient,
    Retrieval,
    SampleSimilarity,
)
from pipelines.evaluation.retrieval.hard_candidates import hard_candidates
from pipelines.evaluation.retrieval.mean_caption import CAPTIONS, mean_caption
from pipelines.evaluation.retrieval.protocol import measure_retrieval, measure_search
from pipelines.evaluation.settings import POOL, Sizes
from pipelines.sampling.sampler import UNSTEERED, Sampler
from pipelines.sampling.sharpener import Sharpener
from pipelines.sampling.steering import Steering
from t2i_tf.checkpoints import Trained
from t2i_tf.errors import UserError
from t2i_tf.metrics.ssim_diversity import uniform_ssim


@dataclass(frozen=True)
class Measurements:
    """What a system is measured with, and a method for each part of the evaluation."""

    trained: Trained
    folder: DataFolder
    split: str
    test: CaptionedImages  # of `split`: images that training did not use
    sampler: Sampler
    scorer: Scorer | None  # None for a system without a bound, and where drawings are steered
    classifier: Classifier
    classifier_weights: str  # their SHA-256
    inception: Inception | None
    efficientnet: EfficientNet | None  # the open judge of photographs
    sizes: Sizes
    seed: int

    @classmethod
    def open(
        cls,
        workdir: str | Path,
        folder: DataFolder,
        *,
        sharpen: str | Path | None,
        split: str,
        seed: int,
        inception: Path | None,
        sizes: Sizes,
        open_judge: bool = False,
        steering: Steering = UNSTEERED,
    ) -> "Measurements":
        """Load the system and all that measures it; arguments as of `evaluate`.

        Raises:
            UserError: a folder or file does not hold what it should, the system does not fit the
                data, or the split has fewer images than there should be candidates.
        """
        trained = open_run(workdir, folder)
        sharpener = Sharpener.load(sharpen) if sharpen else None
        sampler = Sampler(trained, sharpener, steering)
        network = Inception(inception) if inception else None
        efficientnet = EfficientNet() if open_judge else None
        test = read_captioned_images(folder, split, POOL, trained_lengths(trained.config))
        scorer = None
        if trained.model.bound is not None and steering == UNSTEERED:
            _check_candidates(folder, split, len(test.images), sizes.candidates)
            scorer = Scorer(trained, sharpener)
        classifier, about = open_classifier(folder)
        return cls(
            trained=trained,
            folder=folder,
            split=split,
            test=test,
            sampler=sampler,
            scorer=scorer,
            classifier=classifier,
            classifier_weights=about.weights,
            inception=network,
            efficientnet=efficientnet,
            sizes=sizes,
            seed=seed,
        )

    def bounds(self) -> Bounds:
        """The bounds of every split."""
        names = [name for name in ("train", "val") if name in self.folder.manifest.splits]
        splits = {name: self._read(name, self.sizes.pictures) for name in names}
        splits["test"] = self.test.first(self.sizes.pictures)
        return measure_bounds(self.scorer, splits, weighed=self.sizes.weighed, seed=self.seed)

    def retrieval(self) -> Retrieval:
        """The search of the test captions, and that of held-out ones among images of both kinds."""
        mean = mean_caption(self.trained, self._read("train", CAPTIONS).captions)
        count = min(self.sizes.captions, len(self.test.images))
        found = measure_retrieval(
            **self._search(self.test, count, mean), s10_captions=max(count // 10, 2)
        )
        if HELD_OUT not in self.folder.manifest.splits:
            return found
        held_out = self._read(HELD_OUT, self.sizes.captions)
        search = self._search(held_out.followed_by(self.test), len(held_out.captions), mean)
        return msgspec.structs.replace(found, held_out=measure_search(**search))

    def samples(self) -> tuple[SampleSimilarity | None, Diversity | None, Gradient]:
        """Structural similarity, diversity and sharpness, of the same drawings."""
        captioned = self.test.first(self.sizes.similar)
        drawn, sharpened = draw_samples(self.sampler, captioned, self.sizes.samples, self.seed)
        return (
            _sample_similarity(drawn, sharpened, captioned.images),
            measure_diversity(drawn, captioned.captions, self.folder),
            measure_gradient(drawn, captioned.images),
        )

    def caption_accuracy(self) -> CaptionAccuracy | None:
        """How often drawings show what their captions say."""
        return measure_caption_accuracy(
            self.sampler,
            self.folder,
            trained_lengths(self.trained.config),
            split=self.split,
            pictures=self.sizes.judged,
            seed=self.seed,
        )

    def distribution(self) -> DistributionMetrics:
        """Precision, recall, KID and Fréchet distance of one drawing of each test caption."""
        test = self.test.first(self.sizes.pictures)
        seeds = self.seed + np.arange(len(test.captions))
        drawn = self.sampler.draw_images(test.captions, seeds, "Drawing an image of each caption")
        networks = {
            "classifier": self.classifier.features,
            "inception": self.inception and self.inception.features,
            "efficientnet": self.efficientnet and self.efficientnet.features,
        }
        others = _training_images(self.folder, len(test.images))
        return distribution_metrics(test.images, drawn.images, networks, others)

    def _read(self, split: str, count: int) -> CaptionedImages:
        return read_captioned_images(
            self.folder, split, count, trained_lengths(self.trained.config)
        )

    def _empty_caption(self, caption: str) -> np.ndarray | None:
        """The empty caption as the scorer reads captions, [1, ...]; None if there is none.

        It has the layout of any caption, so that the scorer's programs serve it too.
        """
        if not self.trained.model.has_empty_caption:
            return None
        return self.trained.model.empty_caption(self.scorer.read([caption])).numpy()

    def _search(self, pool: CaptionedImages, count: int, mean: np.ndarray) -> dict[str, Any]:
        """The arguments of a search for the first `count` images of a pool by their captions."""
        features = self.classifier.features(pool.images)
        captions, searched = captions_in_rounds(
            pool.usable[:count], self.sizes.captions_per_picture
        )
        return {
            "scorer": self.scorer,
            "images": pool.images,
            "captions": self.scorer.read(captions),
            "candidates": hard_candidates(features, self.sizes.candidates, count)[searched],
            "searched": searched if len(searched) > count else None,
            "mean": mean,
            "empty": self._empty_caption(captions[0]),
            "labels": find_labels(pool, self.folder),
            "seed": self.seed,
        }


def captions_in_rounds(
    captions: Sequence[Sequence[str]], most: int
) -> tuple[list[str], np.ndarray]:
    """The first caption of every image, then the second of those that have one, and so on.

    Args:
        captions: Captions of each image.
        most: Captions taken of one image, at most.

    Returns:
        The captions, and the index of each one's image, int64 [captions].
    """
    pairs = [
        (own[k], image)
        for k in range(min(most, max(map(len, captions))))
        for image, own in enumerate(captions)
        if k < len(own)
    ]
    texts, images = zip(*pairs, strict=True)
    return list(texts), np.array(images, np.int64)


def _sample_similarity(
    drawn: np.ndarray, sharpened: np.ndarray | None, images: np.ndarray
) -> SampleSimilarity | None:
    """The similarity of uint8 [captions, S, H, W, C] and [captions, H, W, C], by both metrics."""
    ssim = measure_similarity(drawn, images)
    if ssim is None:
        return None
    return SampleSimilarity(
        mean=ssim.mean,
        spread=ssim.spread,
        sharpened=None if sharpened is None else measure_similarity(sharpened, images),
        uniform=measure_similarity(drawn, images, uniform_ssim),
        captions=drawn.shape[0],
        samples=drawn.shape[1],
    )


def _training_images(folder: DataFolder, count: int) -> np.ndarray | None:
    """Training images from all over the split, uint8 [count, H, W, C]; None if it has fewer."""
    if "train" not in folder.manifest.splits or folder.split("train").examples < count:
        return None
    images = read_images(folder, "train", REAL_IMAGES).images
    return images[np.linspace(0, len(images) - 1, count).round().astype(int)]


def _check_candidates(folder: DataFolder, split: str, images: int, count: int) -> None:
    if images < count:
        raise UserError(
            f"Retrieval among {count} candidates needs as many pictures: the split {split!r} of "
            f"{folder.path} has {images} to choose from. Ask for fewer with --candidates."
        )
