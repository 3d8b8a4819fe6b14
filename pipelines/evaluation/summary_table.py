"""An evaluation as a table for the terminal: metrics, values and intervals."""

from collections.abc import Iterator, Mapping

from msgspec import UNSET
from rich.table import Column, Table

from pipelines.evaluation.estimate import Estimate, in_digits
from pipelines.evaluation.likelihood.elbo import IMPORTANCE_SAMPLES
from pipelines.evaluation.results import RECALLS, Evaluation, RecallMetrics, Search

_NATS, _PERCENT, _SHARE = "{:,.1f}", "{:.1f}", "{:.3f}"  # formats of values and intervals
_BOUND, _BERNOULLI, _OWN = "bound", "Bernoulli bound", "bound by its own likelihood"
_BOUNDS = {
    "train": "train",
    "val": "val",
    "test": "test",
    "test_sharpened": "test, sharpened",
    "test_minus_floor": "test, minus entropy floor",
}
_RECALLS = {f"r_at_{k}": f"R@{k}" for k in RECALLS} | {"median_rank": "Med r"}
_RANKINGS = {  # fields of `Retrieval` beside its own ranking
    "empty_caption": ", by L(x|y) - L(x|empty)",
    "bound_alone": ", by L(x|y) alone",
    "minus_floor": ", by Bernoulli bound minus entropy floor",
    "ceiling": ", oracle upper bound",
    "s1_of_s10": ", S = 1, first captions",
    "s10": ", S = 10, first captions",
    "s10_bound_alone": ", S = 10, first captions, by L(x|y) alone",
}
_OPTIONAL = "empty_caption"

Row = tuple[str, str, Estimate | None]  # name, format, estimate


def evaluation_table(result: Evaluation) -> Table:
    """The results of `evaluate`, a row for each metric; - where the system has none."""
    table = Table(
        Column("metric", overflow="fold"),
        Column("value", no_wrap=True),
        Column("95 % interval", no_wrap=True),
        title=_title(result),
        title_justify="left",
    )
    for name, form, estimate in _rows(result):
        table.add_row(name, *_in_words(form, estimate))
    return table


def evaluation_figures(result: Evaluation) -> list[tuple[str, str, str]]:
    """Name, value and interval of each metric that the system has, as text."""
    return [
        (name, *_in_words(form, estimate))
        for name, form, estimate in _rows(result)
        if estimate is not None
    ]


def _in_words(form: str, estimate: Estimate | None) -> tuple[str, str]:
    """The value of an estimate and its interval, "" where it has none; - for no estimate."""
    if estimate is None:
        return "-", ""
    ends = estimate.low, estimate.high
    interval = "" if None in ends else " to ".join(in_digits(form, end) for end in ends)
    return in_digits(form, estimate.value), interval


def evaluation_notes(result: Evaluation) -> list[str]:
    """Remarks on the table, a line each."""
    run, notes = result.run, []
    if run and run.finished is False:
        notes.append(
            f"Training is not finished: {run.budget_spent:.0%} of the run's budget is spent, and"
            f" the metrics are those of step {run.step}."
        )
    if run and run.same_data is False:
        notes.append("The system was trained on another data folder than this one.")
    if run and run.same_data is None:
        notes.append(
            "The system was loaded from a preset, which does not say whether it was trained on this"
            " very data folder; size of the pictures and vocabulary are those of this one."
        )
    if getattr(result.bound, "own", None):
        notes.append(
            f"{result.system} was trained with another likelihood than Bernoulli's. Its Bernoulli"
            " bounds compare with those of every system, its own ones, by which it retrieves, only"
            " with those of systems that have the same likelihood."
        )
    if result.settings.split != "test" and result.bound:
        notes.append(f"The bounds called test are of the split {result.settings.split!r}.")
    if getattr(result.diversity, "real", None):
        notes.append(
            f"Diversity is over {result.diversity.captions} of the captions: those that have two"
            " training pictures or more, to compare with."
        )
    if result.retrieval:
        notes.append(
            "S = 10: bounds of ten samples, for the first"
            f" {result.retrieval.captions_of_s10} captions only."
        )
    if any(result.real_against_real.values()):
        notes.append(
            "Real pictures: as many training pictures in the drawings' place, what perfect drawings"
            " would reach; a Fréchet distance is above 0 even for them."
        )
    if result.settings.steering:
        notes.append(
            "Bounds and retrieval do not depend on how captions are drawn: `evaluate` without"
            " --guidance and --best-of measures them."
        )
    elif result.bound is None:
        notes.append(f"{result.system} has no bound on the likelihood, and therefore no retrieval.")
    return notes


def _title(result: Evaluation) -> str:
    run, steering = result.run, result.settings.steering or {}
    title = f"{result.system}, step {run.step}"
    if run.seconds is not None:
        title += f", {run.seconds:.0f} s of training"
    if steering.get("guidance"):
        title += f", guidance {steering['guidance']:g}"
    if steering.get("instead_of") is not None:
        title += f", away from {steering['instead_of']!r}"
    if steering.get("best_of", 1) > 1:
        title += f", best of {steering['best_of']}"
    if steering.get("captioner") is not None:
        title += f" by the captioner {steering['captioner']}"
    return title


def _rows(result: Evaluation) -> Iterator[Row]:
    if not result.settings.steering:
        yield from _bound_rows(result)
        yield from _retrieval_rows(result)
    yield from _similarity_rows(result)
    yield from _accuracy_rows(result)
    for name, both in (("diversity", result.diversity), ("mean gradient", result.gradient)):
        for kind in ("drawn", "real"):
            yield f"{name}, {kind}", _SHARE, getattr(both, kind, None)
    yield from _distribution_rows(result)


def _bound_rows(result: Evaluation) -> Iterator[Row]:
    own = getattr(result.bound, "own", None) or {}
    bound = _BERNOULLI if own else _BOUND
    for key, name in _BOUNDS.items():
        yield f"{bound}: {name}, nats", _NATS, getattr(result.bound, key, None) or None
    for split, estimate in own.items():
        yield f"{_OWN}: {split}, nats", _NATS, estimate
    weighted = f"importance-weighted {bound}, K = {IMPORTANCE_SAMPLES}"
    yield f"{weighted}, nats", _NATS, getattr(result.bound, "importance_weighted", None)
    yield f"{weighted}: gain, nats", _NATS, getattr(result.bound, "importance_gain", None)
    yield from _bits_rows(result)
    for t, kl in enumerate(getattr(result.bound, "kl_per_step", ()), start=1):
        yield f"KL of step {t}, nats", _SHARE, kl


def _bits_rows(result: Evaluation) -> Iterator[Row]:
    """Only of systems with a discrete likelihood."""
    bits = getattr(result.bound, "bits_per_dim", UNSET)
    if bits is not UNSET:
        yield "bits per dimension: test", _SHARE, bits.test
        weighted = f"bits per dimension: importance-weighted, K = {IMPORTANCE_SAMPLES}"
        yield weighted, _SHARE, bits.importance_weighted
        yield f"{weighted}: gain", _SHARE, bits.importance_gain


def _retrieval_rows(result: Evaluation) -> Iterator[Row]:
    retrieval = result.retrieval
    yield from _search_rows(
        {"": retrieval}
        | {name: getattr(retrieval, field, None) for field, name in _shown(retrieval)}
    )
    held_out = retrieval and retrieval.held_out
    if held_out:
        fields = [(field, name) for field, name in _shown(held_out) if hasattr(held_out, field)]
        yield from _search_rows(
            {"": held_out} | {name: getattr(held_out, field) for field, name in fields},
            "held-out captions: ",
        )


def _shown(search: Search | None) -> list[tuple[str, str]]:
    """The fields of a search's rankings, with their names: only some systems have `_OPTIONAL`."""
    return [
        (field, name)
        for field, name in _RANKINGS.items()
        if field != _OPTIONAL or getattr(search, field, None)
    ]


def _search_rows(
    rankings: Mapping[str, Search | RecallMetrics | None], prefix: str = ""
) -> Iterator[Row]:
    """Rows of each recall, with all rankings next to each other."""
    for key, recall in _RECALLS.items():
        for name, ranking in rankings.items():
            yield f"{prefix}{recall}{name}", _PERCENT, getattr(ranking, key, None)


def _similarity_rows(result: Evaluation) -> Iterator[Row]:
    sharpened = result.ssim and result.ssim.sharpened
    uniform = result.ssim and result.ssim.uniform
    rows = {"SSI": result.ssim, "SSI, sharpened": sharpened, "SSI, 7x7 and range 2": uniform}
    for name, similarity in rows.items():
        yield name, _SHARE, getattr(similarity, "mean", None)
        yield f"{name}: standard deviation", _SHARE, getattr(similarity, "spread", None)


def _accuracy_rows(result: Evaluation) -> Iterator[Row]:
    kinds = {
        "seen": "drawings of seen compositions",
        "held_out": "drawings of held-out compositions",
        "judge": "real images",
        "judge_held_out": "real images of held-out compositions",
    }
    for kind, images in kinds.items():
        for attribute, share in (getattr(result.caption_accuracy, kind, None) or {}).items():
            yield f"{attribute} accuracy, {images}", _SHARE, share


def _distribution_rows(result: Evaluation) -> Iterator[Row]:
    for network, both in result.precision_recall.items():
        if both or network == "classifier":
            yield f"precision, {network}", _SHARE, getattr(both, "precision", None)
            yield f"recall, {network}", _SHARE, getattr(both, "recall", None)
            yield f"KID, {network}", _SHARE, result.kid[network]
            yield f"Fréchet distance, {network}", _SHARE, result.frechet.get(network)
        real = result.real_against_real.get(network)
        if real:
            yield f"precision, {network}, real pictures", _SHARE, real.precision
            yield f"recall, {network}, real pictures", _SHARE, real.recall
            yield f"KID, {network}, real pictures", _SHARE, real.kid
            yield f"Fréchet distance, {network}, real pictures", _SHARE, real.frechet
