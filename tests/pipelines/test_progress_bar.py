import io

import pytest
from rich.console import Console

from pipelines.progress_bar import ProgressBar


@pytest.fixture
def shown(monkeypatch):
    """`shown(bar)` is the line of a bar as a wide terminal shows it."""

    def render(bar):
        console = Console(file=io.StringIO(), width=200)
        console.print(bar._progress.get_renderable())
        return console.file.getvalue()

    return render


def test_a_bar_of_units_shows_count_and_speed(shown):
    with ProgressBar("Preparing", total=60, unit="pictures") as bar:
        assert "0/60 - pictures/s" in shown(bar)
        bar.advance(45)
        line = shown(bar)
    assert line.startswith("Preparing") and "45/60" in line and "- pictures/s" not in line


def test_a_bar_of_a_fraction_shows_percentage_and_text(shown):
    with ProgressBar("training") as bar:
        bar.update(0.25, "step 7  loss 3.1 nats  2.0 steps/s")
        assert "25% step 7  loss 3.1 nats  2.0 steps/s ETA" in shown(bar)


def test_lines_are_printed_above_the_bar(capsys):
    with ProgressBar("training") as bar:
        bar.print("step 6: loss 1.5")
    assert "step 6: loss 1.5\n" in capsys.readouterr().out
