"""What the tables of a comparison show: their columns, titles and notes."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pipelines.comparison.paper_results import SYSTEMS
from pipelines.evaluation.estimate import in_digits
from pipelines.evaluation.retrieval.paired_difference import SUBJECT

DASH = "-"

Evaluation = Mapping[str, Any]  # an evaluation.json
Keys = tuple[str, ...]  # path to a value in it


class Column(NamedTuple):
    """A column, and where `evaluation.json` has its values."""

    key: str
    title: str
    keys: Keys
    digits: int = 1
    scale: float = 1.0  # factor from the value to what is shown
    spread: Keys = ()  # where the standard deviation is
    reference: Keys = ()  # where the value of the last row is: real pictures, or an oracle

    def text(self, value: float | None) -> str:
        """A value as it is shown; a dash for None."""
        if value is None:
            return DASH
        return in_digits(f"{{:.{self.digits}f}}", self.scale * value)


RETRIEVAL = (
    *(
        Column(key, title, ("retrieval", key), digits, reference=("retrieval", "ceiling", key))
        for key, title, digits in (
            *((f"r_at_{k}", f"R@{k}, %", 1) for k in (1, 5, 10, 50)),
            ("median_rank", "Med r", 0),
        )
    ),
    Column("ssim", "SSI", ("ssim", "mean"), 3, spread=("ssim", "spread")),
    Column(
        "ssim_uniform",
        "SSI, 7x7 and range 2",
        ("ssim", "uniform", "mean"),
        3,
        spread=("ssim", "uniform", "spread"),
    ),
    Column(
        "ssim_sharpened",
        "SSI after sharpening",
        ("ssim", "sharpened", "mean"),
        3,
        spread=("ssim", "sharpened", "spread"),
    ),
)
BOUNDS = (
    Column("train", "Train", ("bound", "train"), 2),
    Column("test", "Test", ("bound", "test"), 2),
    Column("test_sharpened", "Test after sharpening", ("bound", "test_sharpened"), 2),
    Column("test_minus_floor", "Test minus entropy floor", ("bound", "test_minus_floor"), 2),
    Column("importance_weighted", "Importance weighted", ("bound", "importance_weighted"), 2),
)
BITS = tuple(
    Column(f"bits_{key}", title, ("bound", "bits_per_dim", key), 3)
    for key, title in (("test", "Test"), ("importance_weighted", "Importance weighted"))
)
PROTOCOLS = tuple(
    Column(f"{name}_{key}", f"{metric}, {title}", ("retrieval", *keys, key))
    for name, title, keys in (
        ("gain", "as in the paper", ()),
        ("empty", "empty caption", ("empty_caption",)),
        ("alone", "bound alone", ("bound_alone",)),
        ("floor", "excess NLL", ("minus_floor",)),
        ("s1", "one sample", ("s1_of_s10",)),
        ("s10", "ten samples", ("s10",)),
    )
    for key, metric in (("r_at_1", "R@1, %"), ("r_at_10", "R@10, %"))
)
HELD_OUT = tuple(
    Column(
        f"{name}_{key}",
        f"{metric}, {title}",
        ("retrieval", "held_out", *keys, key),
        digits,
        reference=("retrieval", "held_out", "ceiling", key),
    )
    for name, title, keys in (
        ("gain", "as in the paper", ()),
        ("empty", "empty caption", ("empty_caption",)),
        ("floor", "excess NLL", ("minus_floor",)),
    )
    for key, metric, digits in (
        ("r_at_1", "R@1, %", 1),
        ("r_at_10", "R@10, %", 1),
        ("median_rank", "Med r", 0),
    )
)
PAIRED_DIFFERENCES = tuple(
    Column(f"{name}_{key}", f"{metric}, {title}", ("paired_difference", *keys, key))
    for name, title, keys in (
        ("gain", "as in the paper", ()),
        ("floor", "excess NLL", ("minus_floor",)),
        ("held_out_gain", "held out, as in the paper", ("held_out",)),
        ("held_out_floor", "held out, excess NLL", ("held_out", "minus_floor")),
    )
    for key, metric in (("r_at_1", "R@1"), ("r_at_10", "R@10"))
)
DIVERSITY = Column(
    "diversity", "Diversity", ("diversity", "drawn"), 3, reference=("diversity", "real")
)
GRADIENT = Column(
    "gradient", "Mean gradient", ("gradient", "drawn"), 3, reference=("gradient", "real")
)
ATTRIBUTES = ("colour", "background", "object", "digit", "place", "both")

TEXTS = {  # name of a table -> its title and its note
    "retrieval": (
        "Image retrieval and image similarity",
        "R@K: percentage of captions whose picture is ranked among the first K of 100 candidates; "
        "Med r: the picture's median rank. Chance is K percent, and rank 50. Each system ranks by "
        "the likelihood that it was trained with, the VAEs by least squares: the table of other "
        "criteria has one that is the same for every system, excess NLL. The last row is an "
        "oracle upper bound: a search that knows exactly what every picture shows. Candidates that "
        "show the same are tied, and its values are expectations over the order of ties. SSI: "
        "structural similarity of drawings and the true picture, mean ± standard deviation. The "
        "paper's SSI seems to be made with a library's defaults of the time, a 7x7 window and "
        "constants for a range of 2: it is beside the column that is by these.",
    ),
    "bound": (
        "Lower bound on the log-likelihood, nats",
        "Higher is better; - where a system has no bound (a GAN) or was not sharpened. Test minus "
        "entropy floor is the distance to the best value that any model can reach on real-valued "
        "pixels under a Bernoulli likelihood; 0 is best. Systems that were trained with another "
        "likelihood, as the VAEs by least squares, are scored under that one too. The "
        "importance-weighted bound is computed on fewer pictures, so it cannot be compared with "
        "the column Test.",
    ),
    "bits": (
        "Bits per dimension",
        "Lower is better: bits per pixel and channel that a lossless code of the test pictures by "
        "the system needs at most. Only systems that were trained with a discrete likelihood have "
        "a value. The importance-weighted bound is computed on fewer pictures. The command `study "
        "bits` shows other coders of the same pictures.",
    ),
    "captions": (
        "Does the drawing show what the caption says?",
        "Percentage of drawings in which a judge finds what the caption asks for: for compositions "
        "like those in training (seen), and for held-out ones. The last row is the judge on real "
        "pictures, the highest value that can be measured.",
    ),
    "held_out": (
        "Retrieval by captions of held-out compositions",
        "Captions of compositions that are missing from training search for their picture among "
        "the 100 pictures most similar to it, of held-out and seen compositions alike. Candidates "
        "are ranked as in the paper, and by excess NLL: how far the Bernoulli bound is from the "
        "picture's entropy floor, the same criterion for every system. The last row is the oracle "
        "upper bound.",
    ),
    "leads": (
        f"Paired differences in recall: {SYSTEMS[SUBJECT]} minus the system",
        f"Percentage points by which the recall of {SYSTEMS[SUBJECT]} exceeds that of the system, "
        "with the same captions and candidates. As in the paper, each of the two ranks by the "
        "likelihood that it was trained with; by excess NLL, both rank by the Bernoulli bound less "
        "the picture's entropy floor. The interval is that of the difference, paired by caption: "
        "if it does not contain 0, these two models differ, even if the intervals of their recalls "
        "overlap. It says nothing about other training runs of the two systems.",
    ),
    "variety": (
        "Diversity and realism",
        "Diversity: mean distance between drawings of the same caption, with that between real "
        "pictures of the same caption in the last row. If some captions have several training "
        "pictures, it is over these captions alone, which may be few. Mean gradient: how sharp "
        "drawings are, of pixels between 0 and 1; it is lower where they are blurred. Precision "
        "and recall: percentage of drawings that lie among the real pictures, and of real pictures "
        "that lie among the drawings, in the feature space of a classifier. KID: kernel distance "
        "of the two sets; lower is better. The last row has as many training pictures in the "
        "drawings' place.",
    ),
    "protocols": (
        "Retrieval by other criteria",
        "The same candidates, ranked as in the paper, by what the caption adds to the bound, "
        "L(x|y) - L(x|y_mean); by the bound alone, L(x|y), in which a Gaussian or a discrete "
        "likelihood penalises pixel errors more strongly; and by excess NLL, how far the Bernoulli "
        "bound is from the picture's entropy floor, the same criterion for every system. Bounds "
        "with ten posterior samples are computed for a tenth of the captions; the columns with one "
        "sample are for the same captions.",
    ),
}

COLUMN_NOTES = {  # key of a column -> what the note of a table that has it says besides
    "empty_r_at_1": (
        "Empty caption: L(x|y) - L(x|empty), for a system that was trained with an empty caption."
    ),
    "kid_efficientnet": (
        "Open judge: the same by EfficientNet-Lite0, trained on ImageNet, and the Fréchet "
        "distance, lower is better, which is above 0 even between sets of real pictures."
    ),
}


def note(name: str, columns: Collection[Column]) -> str:
    """The note of a table: that of `TEXTS`, and those of its columns that have one."""
    keys = {column.key for column in columns}
    of_columns = (text for key, text in COLUMN_NOTES.items() if key in keys)
    return " ".join([TEXTS[name][1], *of_columns])


def layout(evaluations: Mapping[str, Evaluation]) -> Iterator[tuple[str, tuple[Column, ...]]]:
    """The names of the tables, keys of `TEXTS`, with their columns.

    Tables of what was not measured are left out, except the paper's two, diversity and protocols.
    """

    def is_measured(*keys: str) -> bool:
        return any(value_at(evaluation, keys) for evaluation in evaluations.values())

    yield "retrieval", RETRIEVAL
    yield "bound", BOUNDS
    if is_measured("bound", "bits_per_dim"):
        yield "bits", BITS
    if accuracy := tuple(_accuracy_columns(evaluations.values())):
        yield "captions", accuracy
    if is_measured("retrieval", "held_out"):
        yield "held_out", _measured_columns(HELD_OUT, evaluations.values())
    if is_measured("paired_difference", "r_at_1"):
        yield "leads", PAIRED_DIFFERENCES
    gradient = (GRADIENT,) if is_measured("gradient") else ()
    variety = (DIVERSITY, *gradient, *_realism_columns("classifier"))
    for network, title in (("inception", " (Inception)"), ("efficientnet", " (open judge)")):
        if is_measured("kid", network):
            variety = (*variety, *_realism_columns(network, title), _frechet(network, title))
    yield "variety", variety
    yield "protocols", _measured_columns(PROTOCOLS, evaluations.values())


def _measured_columns(
    columns: Sequence[Column], evaluations: Collection[Evaluation]
) -> tuple[Column, ...]:
    """The columns, without those of the empty caption where no system has one."""
    return tuple(
        column
        for column in columns
        if "empty_caption" not in column.keys
        or any(value_at(evaluation, column.keys) for evaluation in evaluations)
    )


def value_at(evaluation: Evaluation, keys: Keys) -> Any:
    """The value at a path of keys; None if it, or what contains it, is missing or null."""
    value: Any = evaluation
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _accuracy_columns(evaluations: Iterable[Evaluation]) -> Iterator[Column]:
    """Columns of the attributes that were judged, for seen and for held-out compositions."""
    evaluations = list(evaluations)
    kinds = (("seen", "seen", "judge"), ("held_out", "held out", "judge_held_out"))
    for kind, title, judge in kinds:
        judged = {
            name
            for evaluation in evaluations
            for name in value_at(evaluation, ("caption_accuracy", kind)) or {}
        }
        for name in ATTRIBUTES:
            if name in judged:
                yield Column(
                    f"{kind}_{name}",
                    f"{name}, {title}",
                    ("caption_accuracy", kind, name),
                    scale=100.0,
                    reference=("caption_accuracy", judge, name),
                )


def _realism_columns(network: str, title: str = "") -> tuple[Column, ...]:
    keys, real = ("precision_recall", network), ("real_against_real", network)
    return (
        *(
            Column(
                f"{key}_{network}",
                f"{key.capitalize()}{title}, %",
                (*keys, key),
                scale=100.0,
                reference=(*real, key),
            )
            for key in ("precision", "recall")
        ),
        Column(
            f"kid_{network}",
            f"KID{title}, x 1000",
            ("kid", network),
            2,
            scale=1000.0,
            reference=(*real, "kid"),
        ),
    )


def _frechet(network: str, title: str) -> Column:
    reference = ("real_against_real", network, "frechet")
    return Column(
        f"frechet_{network}", f"Fréchet{title}", ("frechet", network), 2, reference=reference
    )
