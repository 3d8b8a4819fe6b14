import json

import pytest

from pipelines.demo.demo import demo


@pytest.mark.slow
def test_the_whole_journey_and_again(tmp_path, capsys):
    def run():
        report = demo(tmp_path / "demo", preset_name="align-draw-tiny", pictures=64, judged=16)
        assert capsys.readouterr().out.splitlines()[-1] == f"The report: {report}"
        return json.loads(report.with_suffix(".json").read_text())

    figures = run()
    assert figures["judge_accuracy"]["background"] > 0.9
    assert set(figures["caption_accuracy"]) == {"seen", "held_out"}
    assert run()["caption_accuracy"] == figures["caption_accuracy"]
