"""What the report of a comparison is made of."""

from types import SimpleNamespace

from pipelines.comparison.report_data import _history


def test_a_changed_history_is_said_and_the_other_curves_are_drawn(tmp_path):
    comparison = SimpleNamespace(
        path=lambda name: tmp_path / name, state=SimpleNamespace(failed={})
    )
    for name, text in (
        ("align-draw", "step;seconds\n12;6,0\n"),
        ("lapgan", "step,seconds\n12,6\n"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "history.csv").write_text(text)
    assert _history(comparison, "align-draw") == []
    assert _history(comparison, "lapgan") == [{"step": 12.0, "seconds": 6.0}]
    assert _history(comparison, "noalign-draw") == [] and len(comparison.state.failed) == 1
    said = comparison.state.failed["Read the learning curves of alignDRAW"]
    assert "expected numbers between commas" in said
