"""An evaluation as a table: figures, and the intervals that they have."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

_NATS, _PERCENT, _SHARE = "{:,.1f}", "{:.1f}", "{:.3f}"
_RECALLS = {"r_at_1": "R@1", "r_at_5": "R@5", "r_at_10": "R@10", "r_at_50": "R@50"}


def evaluation_table(result: Mapping[str, Any]) -> Table:
    """What `evaluate` gives, a row for each figure; - where the system has none."""
    table = Table("figure", "value", "95 % interval", title=_title(result), title_justify="left")
    for name, form, figure in _rows(result):
        if figure is None:
            table.add_row(name, "-", "")
            continue
        ends = [figure["low"], figure["high"]]
        interval = "" if None in ends else " to ".join(form.format(end) for end in ends)
        table.add_row(name, form.format(figure["value"]), interval)
    return table


def evaluation_notes(result: Mapping[str, Any]) -> list[str]:
    """What a reader of the table must know, a line each."""
    run, notes = result["run"], []
    if not run["finished"]:
        notes.append(
            f"Half-trained: {run['budget_spent']:.0%} of the run's budget is spent. The figures are"
            f" those of step {run['step']}."
        )
    if not run["same_data"]:
        notes.append("The data folder is not the one that the system was trained on.")
    if result["retrieval"]:
        few = result["retrieval"]["captions_of_s10"]
        notes.append(f"S = 10: ten samples a bound, for the first {few} captions alone.")
    if result["bound"] is None:
        notes.append(
            f"{result['system']} has no bound of the likelihood, and so no retrieval either."
        )
    return notes


def _title(result: Mapping[str, Any]) -> str:
    run = result["run"]
    return f"{result['system']}, step {run['step']}, {run['seconds']:.0f} s of training"


def _rows(result: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping | None]]:
    bound, retrieval = result["bound"] or {}, result["retrieval"] or {}
    for name in ("train", "val", "test", "test_sharpened", "test_minus_floor"):
        yield f"bound: {name.replace('_', ' ')}, nats", _NATS, bound.get(name)
    yield "importance-weighted, K = 50, nats", _NATS, bound.get("importance_weighted")
    yield "its gain, nats", _NATS, bound.get("importance_gain")
    for t, step in enumerate(bound.get("kl_per_step", []), 1):
        yield f"KL of step {t}, nats", _SHARE, step
    yield from _retrieval_rows(retrieval, _VARIANTS)
    if held_out := retrieval.get("held_out"):
        once = {key: told for key, told in _VARIANTS.items() if key is None or key in held_out}
        yield from _retrieval_rows(held_out, once, "held-out captions: ")
    ssim = result["ssim"] or {}
    for name, found in (("SSI", ssim), ("SSI, sharpened", ssim.get("sharpened") or {})):
        yield name, _SHARE, found.get("mean")
        yield f"{name}: spread", _SHARE, found.get("spread")
    for kind, found in (result["caption_accuracy"] or {}).items():
        for attribute, share in (found or {}).items():
            yield f"{attribute} right, {kind.replace('_', '-')}", _SHARE, share
    for kind in ("drawn", "real"):
        yield f"diversity, {kind}", _SHARE, (result["diversity"] or {}).get(kind)
    for network, found in result["precision_recall"].items():
        if found or network == "classifier":
            for name in ("precision", "recall"):
                yield f"{name}, {network}", _SHARE, (found or {}).get(name)
            yield f"KID, {network}", _SHARE, result["kid"][network]


def _retrieval_rows(retrieval: Mapping[str, Any], variants: Mapping, whose: str = ""):
    for key, shown in (_RECALLS | {"median_rank": "Med r"}).items():
        for variant, told in variants.items():
            found = (retrieval.get(variant) or {}) if variant else retrieval
            yield whose + shown + told, _PERCENT, found.get(key)


_VARIANTS = {
    None: "",
    "bound_alone": ", by L(x|y) alone",
    "minus_floor": ", by Bernoulli bound minus floor",
    "ceiling": ", the most that captions can tell",
    "s1_of_s10": ", S = 1, first captions",
    "s10": ", S = 10, first captions",
    "s10_bound_alone": ", S = 10, first captions, by L(x|y) alone",
}
