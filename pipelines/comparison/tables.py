"""The tables of a comparison: each system's figures beside the paper's, in the paper's order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from pipelines.comparison import paper_results
from pipelines.comparison.paper_results import SYSTEMS, Reported
from pipelines.evaluation.retrieval.paired_difference import SUBJECT, with_leads

DASH = "-"
REAL = "real"  # names the row of what a perfect system gets
_CEILING = "the most that captions tell"
_REAL_TITLES = {"retrieval": _CEILING, "held_out": _CEILING}  # of that row, else "real pictures"

Evaluation = Mapping[str, Any]  # an evaluation.json
Keys = tuple[str, ...]  # where a figure is in it


@dataclass(frozen=True)
class Cell:
    """A figure of ours, and the paper's; None where there is none."""

    value: float | None = None
    low: float | None = None  # of the 95 % interval
    high: float | None = None
    spread: float | None = None  # standard deviation of what the value is the mean of
    paper: Reported | None = None


class Column(NamedTuple):
    """What a column shows, and where `evaluation.json` has it."""

    key: str
    title: str
    where: Keys
    digits: int = 1
    scale: float = 1.0  # of the figure as it is shown
    spread: Keys = ()
    real: Keys = ()  # where the figure of real pictures is

    def text(self, value: float | None) -> str:
        """A value as it is shown, a dash for None."""
        return DASH if value is None else f"{self.scale * value:.{self.digits}f}"


@dataclass(frozen=True)
class Row:
    """A system's cells, one a column."""

    system: str
    title: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """A table of a comparison."""

    name: str
    title: str
    note: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def in_paper(self, column: int) -> bool:
        """Whether the paper has a figure in a column."""
        return any(row.cells[column].paper for row in self.rows)


RETRIEVAL = (
    *(
        Column(key, title, ("retrieval", key), digits, real=("retrieval", "ceiling", key))
        for key, title, digits in (
            *((f"r_at_{k}", f"R@{k}, %", 1) for k in (1, 5, 10, 50)),
            ("median_rank", "Med r", 0),
        )
    ),
    Column("ssim", "SSI", ("ssim", "mean"), 3, spread=("ssim", "spread")),
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
    Column("test_minus_floor", "Test minus floor", ("bound", "test_minus_floor"), 2),
    Column("importance_weighted", "Importance weighted", ("bound", "importance_weighted"), 2),
)
PROTOCOLS = tuple(
    Column(f"{name}_{key}", f"{figure}, {title}", ("retrieval", *where, key))
    for name, title, where in (
        ("gain", "as the paper", ()),
        ("alone", "bound alone", ("bound_alone",)),
        ("floor", "minus floor", ("minus_floor",)),
        ("s1", "one sample", ("s1_of_s10",)),
        ("s10", "ten samples", ("s10",)),
    )
    for key, figure in (("r_at_1", "R@1, %"), ("r_at_10", "R@10, %"))
)
HELD_OUT = tuple(
    Column(
        f"{name}_{key}",
        f"{figure}, {title}",
        ("retrieval", "held_out", *where, key),
        digits,
        real=("retrieval", "held_out", "ceiling", key),
    )
    for name, title, where in (
        ("gain", "as the paper", ()),
        ("floor", "minus floor", ("minus_floor",)),
    )
    for key, figure, digits in (
        ("r_at_1", "R@1, %", 1),
        ("r_at_10", "R@10, %", 1),
        ("median_rank", "Med r", 0),
    )
)
LEADS = tuple(
    Column(f"{kind}_{key}", f"{figure}, {title}", ("lead", *where, key))
    for kind, title, where in (
        ("gain", "as the paper", ()),
        ("floor", "minus floor", ("minus_floor",)),
        ("held_out_gain", "held out, as the paper", ("held_out",)),
        ("held_out_floor", "held out, minus floor", ("held_out", "minus_floor")),
    )
    for key, figure in (("r_at_1", "R@1"), ("r_at_10", "R@10"))
)
VARIETY = (Column("diversity", "Diversity", ("diversity", "drawn"), 3, real=("diversity", "real")),)


def _realism_columns(network: str, title: str = "") -> tuple[Column, ...]:
    of_set = ("precision_recall", network)
    return (
        Column(f"precision_{network}", f"Precision{title}, %", (*of_set, "precision"), scale=100.0),
        Column(f"recall_{network}", f"Recall{title}, %", (*of_set, "recall"), scale=100.0),
        Column(f"kid_{network}", f"KID{title}, x 1000", ("kid", network), 2, scale=1000.0),
    )


def build_tables(evaluations: Mapping[str, Evaluation]) -> list[Table]:
    """The paper's two tables, then those of what it has no figures of.

    Args:
        evaluations: of the systems, by the names of `SYSTEMS`; a system without one has the paper's
            figures alone.
    """
    evaluations = with_leads(evaluations)
    tables = [_table(name, columns, evaluations) for name, columns in _layout(evaluations)]
    return [table for table in tables if table.rows]


_TEXTS = {
    "retrieval": (
        "Image retrieval and image similarity",
        "R@K: of how many captions, percent, the right picture is among the first K of 100 "
        "candidates; Med r: its median rank. Chance is K percent, and rank 50. The last row is a "
        "perfect eye, which has to guess among candidates that show the same: its mean over all "
        "guesses. SSI: structural similarity of drawings and the true picture, mean ± standard "
        "deviation.",
    ),
    "bound": (
        "Lower bound of the log-likelihood, nats",
        "Higher is better; - where a system has no bound (a GAN) or was not sharpened. Test minus "
        "floor is how far the bound is from the best that any model can have on real-valued pixels "
        "under a Bernoulli likelihood, which is 0. The VAEs, trained by least squares, are scored "
        "under that likelihood too. The importance-weighted bound is of fewer pictures: it does "
        "not compare with the column Test.",
    ),
    "captions": (
        "Does the drawing show what the caption says?",
        "Of how many drawings, percent, a judge finds what the caption asks for: of compositions "
        "like those in training (seen), and of held-out ones. The last row is the judge on real "
        "pictures: the most that can be measured.",
    ),
    "held_out": (
        "Retrieval by captions of held-out compositions",
        "Captions whose composition was never in training search for their picture among the 100 "
        "that look most like it, of held-out and of seen compositions alike: ranked as the paper "
        "does, and by the Bernoulli bound minus the picture's floor, which asks the same of all.",
    ),
    "leads": (
        f"By how much {SYSTEMS[SUBJECT]} finds more",
        f"Percentage points by which {SYSTEMS[SUBJECT]}'s recall is above the system's, of the "
        "same captions and candidates. The interval is that of the difference, caption by caption: "
        "where it does not hold 0, these two models differ, even if the intervals of their recalls "
        "touch; of other trainings of theirs it does not tell.",
    ),
    "variety": (
        "Variety and realism",
        "Diversity: mean distance of drawings of one caption, beside that of real pictures of one "
        "caption. Precision and recall: how many drawings lie among the real pictures, and how "
        "many real pictures among the drawings, by a classifier's features. KID: distance of the "
        "two sets, lower is better.",
    ),
    "protocols": (
        "Retrieval by other protocols",
        "The same candidates, ranked as the paper does, by what the caption adds to the bound, "
        "L(x|y) - L(x|y_mean); by the bound alone, L(x|y), where the VAEs' Gaussian is stricter "
        "with every pixel; and by the Bernoulli bound minus the picture's floor, which asks the "
        "same of all. Bounds of ten samples of the posterior are for a tenth of the captions, with "
        "one sample for the same tenth beside it.",
    ),
}
_PAPER = {"retrieval": paper_results.RETRIEVAL, "bound": paper_results.BOUNDS}


def _layout(evaluations: Mapping[str, Evaluation]) -> Iterator[tuple[str, tuple[Column, ...]]]:
    yield "retrieval", RETRIEVAL
    yield "bound", BOUNDS
    told = tuple(_told_columns(evaluations.values()))
    if told:
        yield "captions", told
    if any(look_up(e, ("retrieval", "held_out")) for e in evaluations.values()):
        yield "held_out", HELD_OUT
    if any(look_up(e, ("lead", "r_at_1")) for e in evaluations.values()):
        yield "leads", LEADS
    variety = (*VARIETY, *_realism_columns("classifier"))
    if any(look_up(e, ("kid", "inception")) for e in evaluations.values()):
        variety = (*variety, *_realism_columns("inception", " (Inception)"))
    yield "variety", variety
    yield "protocols", PROTOCOLS


def _table(name: str, columns: tuple[Column, ...], evaluations: Mapping[str, Evaluation]) -> Table:
    rows = tuple(_rows(columns, evaluations, _PAPER.get(name)))
    real = _real_row(_REAL_TITLES.get(name, "real pictures"), columns, evaluations.values())
    if rows and any(cell.value is not None for cell in real.cells):
        rows = (*rows, real)
    return Table(name, *_TEXTS[name], columns, rows)


def look_up(evaluation: Evaluation, keys: Keys) -> Mapping[str, float | None] | None:
    """The figure at `keys`, None where it, or what it is part of, is missing or null."""
    found: Any = evaluation
    for key in keys:
        if not isinstance(found, Mapping):
            return None
        found = found.get(key)
    return found


def tables_markdown(tables: Sequence[Table], heading: str) -> str:
    """All tables as Markdown: value, 95 % interval and, where the paper has one, its figure."""
    lines = [line for table in tables for line in _markdown(table)]
    return "\n".join(
        [
            heading,
            "",
            *lines,
            f"The paper's figures are of {paper_results.DATA}. {paper_results.SOURCES}",
            "",
        ]
    )


def tables_json(tables: Sequence[Table]) -> list[dict[str, Any]]:
    """All tables as plain values, unrounded and unscaled, nulls where there is nothing."""
    return [
        {
            "name": table.name,
            "title": table.title,
            "columns": {column.key: column.title for column in table.columns},
            "rows": [
                {
                    "system": row.system,
                    "title": row.title,
                    "figures": {
                        column.key: _plain(cell)
                        for column, cell in zip(table.columns, row.cells, strict=True)
                    },
                }
                for row in table.rows
            ],
        }
        for table in tables
    ]


def interval_text(column: Column, cell: Cell) -> str:
    """The 95 % interval, nothing where there is none."""
    if cell.low is None or cell.high is None:
        return ""
    return f"{column.text(cell.low)} to {column.text(cell.high)}"


def value_text(column: Column, cell: Cell | Reported | None) -> str:
    """The value with its spread, a dash where there is none."""
    if cell is None or cell.value is None:
        return DASH
    spread = "" if cell.spread is None else f" ± {column.text(cell.spread)}"
    return column.text(cell.value) + spread


def _rows(
    columns: Sequence[Column],
    evaluations: Mapping[str, Evaluation],
    reported: Mapping[str, Mapping[str, Reported]] | None = None,
) -> Iterator[Row]:
    """A row for each system of the paper, or for those with a figure where it reports nothing."""
    for system, title in SYSTEMS.items():
        known = (reported or {}).get(system, {})
        found = evaluations.get(system, {})
        cells = tuple(_cell(column, found, known.get(column.key)) for column in columns)
        if reported is not None or any(cell.value is not None for cell in cells):
            yield Row(system, title, cells)


def _cell(column: Column, evaluation: Evaluation, reported: Reported | None) -> Cell:
    figure = look_up(evaluation, column.where)
    spread = look_up(evaluation, column.spread) if column.spread else None
    if figure is None:
        return Cell(paper=reported)
    return Cell(
        figure["value"],
        figure["low"],
        figure["high"],
        spread["value"] if spread else None,
        reported,
    )


def _told_columns(evaluations) -> Iterator[Column]:
    """A column for each attribute that some judge was asked for, of seen and held-out captions."""
    kinds = (("seen", "seen", "judge"), ("held_out", "held out", "judge_held_out"))
    for kind, title, judge in kinds:
        asked = {
            name
            for evaluation in evaluations
            for name in look_up(evaluation, ("caption_accuracy", kind)) or {}
        }
        for name in ("colour", "background", "object", "digit", "place", "both"):
            if name in asked:
                yield Column(
                    f"{kind}_{name}",
                    f"{name}, {title}",
                    ("caption_accuracy", kind, name),
                    1,
                    scale=100.0,
                    real=("caption_accuracy", judge, name),
                )


def _real_row(title: str, columns: Sequence[Column], evaluations) -> Row:
    """What a perfect system gets: the same for every system, so of the first that has it."""
    cells = []
    for column in columns:
        figures = (look_up(e, column.real) for e in evaluations if column.real)
        figure = next((figure for figure in figures if figure), None)
        keys = ("value", "low", "high")
        cells.append(Cell(*(figure[key] for key in keys)) if figure else Cell())
    return Row(REAL, title, tuple(cells))


def _markdown(table: Table) -> Iterator[str]:
    paired = [table.in_paper(k) for k in range(len(table.columns))]
    heads = ["system"]
    for column, pair in zip(table.columns, paired, strict=True):
        heads += [column.title, "paper"] if pair else [column.title]
    yield f"### {table.title}"
    yield ""
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    for row in table.rows:
        texts = [row.title]
        for column, cell, pair in zip(table.columns, row.cells, paired, strict=True):
            interval = interval_text(column, cell)
            texts.append(value_text(column, cell) + (f" ({interval})" if interval else ""))
            texts += [value_text(column, cell.paper)] if pair else []
        yield f"| {' | '.join(texts)} |"
    yield ""
    yield table.note
    yield ""


def _plain(cell: Cell) -> dict[str, Any] | None:
    if cell == Cell():
        return None
    plain = asdict(cell)
    plain["paper"] = cell.paper._asdict() if cell.paper else None
    return plain
