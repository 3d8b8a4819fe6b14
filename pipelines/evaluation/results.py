"""What an evaluation measures: `evaluation.json` has the fields of these structs as its keys.

A metric that the system or the data cannot have is None, null in the file. Fields that earlier
versions did not write are None too when their files are read.
"""

import math
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import UNSET, UnsetType

from pipelines.evaluation.estimate import Estimate
from pipelines.evaluation.settings import Sizes
from t2i_tf.json_files import read_json

FILE = "evaluation.json"
RECALLS = (1, 5, 10, 50)  # k of the recalls

Accuracies = Mapping[str, Estimate | None]  # 0 to 1, by attribute; None where no image has it


class BitsPerDim(msgspec.Struct, frozen=True, kw_only=True):
    """Upper bounds on the bits that a lossless code by the model needs per pixel and channel."""

    test: Estimate
    importance_weighted: Estimate  # K = 50 samples, on fewer images
    importance_gain: Estimate  # bits less than by the mean of as many ordinary bounds


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """Lower bounds on log p(x | y), nats: means over images, Bernoulli likelihood."""

    train: Estimate | UnsetType = UNSET  # not in the file where the data have no such split
    val: Estimate | UnsetType = UNSET
    test: Estimate
    test_sharpened: Estimate | None = None  # with the likelihood of the sharpened reconstruction
    test_minus_floor: Estimate | None = None  # less the entropy floor, the best that is possible
    importance_weighted: Estimate | None = None  # K = 50 samples, on fewer images
    importance_gain: Estimate | None = None  # over the mean of as many ordinary bounds
    kl_per_step: list[Estimate] = []
    own: dict[str, Estimate] | None = None  # by split; None where the likelihood is Bernoulli's
    bits_per_dim: BitsPerDim | UnsetType = UNSET  # not in the file without a discrete likelihood


class RecallMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """Recall at k, percent, and the median rank, from 1."""

    r_at_1: Estimate
    r_at_5: Estimate
    r_at_10: Estimate
    r_at_50: Estimate
    median_rank: Estimate


class Ranking(RecallMetrics, frozen=True, kw_only=True):
    """Metrics of one way to rank the candidates."""

    ranks: list[int] | None = None  # of each caption, from 0: pairs systems caption by caption


class Search(Ranking, frozen=True, kw_only=True):
    """A search for the images of some captions; its own ranks are by L(x | y) - L(x | y_mean)."""

    bound_alone: Ranking | None = None  # by L(x | y)
    minus_floor: Ranking | None = None  # by the Bernoulli bound less the image's entropy floor
    empty_caption: Ranking | None = None  # by L(x | y) - L(x | empty); None without an empty one
    candidates: int | None = None
    captions: int | None = None
    pictures: int | None = None  # that the captions search for
    searched: list[int] | None = None  # the picture of each rank; None: each caption has its own
    captions_of_s10: int | None = None
    ceiling: RecallMetrics | None = None  # the oracle upper bound; None where images have no labels


class Retrieval(Search, frozen=True, kw_only=True):
    """The search of the test captions, and that of captions of held-out compositions."""

    s10: Ranking | None = None  # bounds of ten samples, for the first captions
    s10_bound_alone: Ranking | None = None
    s1_of_s10: Ranking | None = None  # bounds of one sample, for the same captions
    held_out: Search | None = None


class Similarity(msgspec.Struct, frozen=True, kw_only=True):
    """Structural similarity of drawings and the true image, over captions and drawings."""

    mean: Estimate
    spread: Estimate  # standard deviation


class SampleSimilarity(Similarity, frozen=True, kw_only=True):
    """Structural similarity of the drawings, and of the same drawings sharpened."""

    sharpened: Similarity | None = None
    uniform: Similarity | None = None  # by `uniform_ssim`, as the paper's values may have been made
    captions: int | None = None
    samples: int | None = None


class Diversity(msgspec.Struct, frozen=True, kw_only=True):
    """Mean distance of drawings of one caption, and of real images of one caption."""

    drawn: Estimate
    real: Estimate | None = None
    captions: int | None = None
    real_pictures: Estimate | None = None  # mean number of real images of a caption


class Gradient(msgspec.Struct, frozen=True, kw_only=True):
    """Mean gradient magnitude of drawings, and of the real images of their captions."""

    drawn: Estimate
    real: Estimate


class CaptionAccuracy(msgspec.Struct, frozen=True, kw_only=True):
    """How often an image shows what its caption says, by attribute.

    The judge's accuracy on real images is the most that can be measured. Held-out compositions have
    None where the data folder has no such split.
    """

    seen: Accuracies
    held_out: Accuracies | None = None
    judge: Accuracies  # on real images of seen compositions
    judge_held_out: Accuracies | None = None

    def fractions(self) -> dict[str, dict[str, float]]:
        """The values alone; NaN where no image has the attribute."""
        return {
            name: {
                key: x.value if x else math.nan for key, x in (getattr(self, name) or {}).items()
            }
            for name in self.__struct_fields__
        }


class PrecisionRecall(msgspec.Struct, frozen=True, kw_only=True):
    """Precision and recall of a set of drawings (Kynkaanniemi et al. 2019), 0 to 1."""

    precision: Estimate
    recall: Estimate


class RealAgainstReal(PrecisionRecall, frozen=True, kw_only=True):
    """The metrics of a set of drawings, with as many training images in the drawings' place."""

    kid: Estimate
    frechet: Estimate  # more than 0 even for images of one distribution, and less with more images


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The run that was evaluated, and how far it was trained: None where a preset does not say."""

    workdir: str  # or preset
    config: str  # class of the model's config
    model: str  # class of the model
    weights: int
    step: int  # of the checkpoint
    last_step: int  # of the training so far
    seconds: float | None  # of training so far
    budget_spent: float | None  # 1 where training is finished, less where it was stopped before
    finished: bool | None
    same_data: bool | None  # whether it was trained on this very data folder


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How the measurements were made."""

    data: str | None = None
    source: str | None = None
    split: str
    split_pictures: int | None = None
    words: list[int] | None = None  # the shortest and the longest caption
    sharpen: str | None = None
    classifier: str | None = None  # SHA-256 of its weights
    digit_judge: str | None = None  # SHA-256 of its weights; None where there are no digits
    inception: str | None = None
    open_judge: str | None = None  # SHA-256 of its weights; None where it was not asked for
    steering: dict[str, float | int | str | None] | None = None  # None where nothing is steered
    seed: int
    sizes: Sizes


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """All measurements of one system."""

    system: str  # its name in the paper
    run: RunSummary | None = None
    bound: Bounds | None = None  # None for a GAN, which has no bound and cannot retrieve
    retrieval: Retrieval | None = None
    ssim: SampleSimilarity | None = None  # None where images are smaller than SSIM's window
    caption_accuracy: CaptionAccuracy | None = None  # None where images have no labels
    diversity: Diversity | None = None
    gradient: Gradient | None = None
    precision_recall: dict[str, PrecisionRecall | None] = {}  # by the network of the features
    kid: dict[str, Estimate | None] = {}
    frechet: dict[str, Estimate | None] = {}
    real_against_real: dict[str, RealAgainstReal | None] = {}
    settings: Settings
    seconds: dict[str, float] = {}  # by part of the evaluation
    machine: str | None = None


def read_evaluation(path: Path) -> Evaluation:
    """An `evaluation.json`, of this version or an earlier one.

    Raises:
        UserError: the file is missing, not JSON, or not an evaluation.
    """
    remedy = "`python -m pipelines evaluate` measures again and replaces it; or delete it."
    return read_json(path, Evaluation, remedy)
