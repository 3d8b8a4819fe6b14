import random

import pytest
from rich.console import Console

from pipelines.studies.study_table import StudyTable, cell_text
from pipelines.studies.word_classes import CLASSES


def printed(title, rows, width):
    """As the commands print it."""
    console = Console(width=width, highlight=False, soft_wrap=True)
    with console.capture() as captured:
        console.print(StudyTable(title, rows))
    return captured.get()


def alignment_rows():
    rng = random.Random(0)
    columns = ("entropy", "low", "high", *CLASSES)
    steps = [{"step": str(t)} | {name: rng.random() for name in columns} for t in range(1, 33)]
    return [*steps, dict.fromkeys(columns) | {"step": "uniform", "entropy": 1.0}]


def flip_rows():
    captions = [f"a {colour} school bus parked in a parking lot" for colour in ("red", "blue")]
    columns = ("whole", "inside", "outside", "inside wanted", "outside wanted", "all")
    return [{"caption": caption} | dict.fromkeys(columns, 1 / 3) for caption in captions]


@pytest.mark.parametrize("rows", [alignment_rows(), flip_rows()], ids=["alignment", "flips"])
@pytest.mark.parametrize("width", [80, 60])
def test_nothing_is_cut(rows, width):
    text = printed("A study", rows, width)
    assert max(map(len, text.splitlines())) <= width and "…" not in text
    words = text.split()
    for row in rows:
        for name, value in row.items():
            assert set(name.split()) <= set(words)
            assert set(cell_text(value).split()) <= set(words)
    assert text.count("A study") == 1


def test_a_wide_terminal_has_one_table():
    lines = printed("A study", flip_rows(), 200).splitlines()
    assert sum("parking lot" in line for line in lines) == 2
    assert any("inside" in line and "outside" in line for line in lines)


def test_each_part_names_its_rows():
    lines = printed("A study", alignment_rows(), 60).splitlines()
    parts = sum(line.split()[:1] == ["uniform"] for line in lines)
    assert parts > 1 and sum(line.split()[:1] == ["32"] for line in lines) == parts


def test_a_column_alone():
    assert "a red car" in printed("A study", [{"caption": "a red car"}], 80)
