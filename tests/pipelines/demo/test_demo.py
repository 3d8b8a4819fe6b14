import dataclasses
import json

import pytest

from pipelines.demo.demo import demo
from t2i_tf.presets import PRESETS, preset

NAME = "align-draw-tiny"


@pytest.mark.slow
def test_the_whole_journey_and_again(tmp_path, capsys, monkeypatch):
    tiny = preset(NAME)
    without_xla = dataclasses.replace(tiny.config, xla=False)
    monkeypatch.setitem(PRESETS, NAME, dataclasses.replace(tiny, config=without_xla))

    def run():
        report = demo(tmp_path / "demo", preset_name=NAME, pictures=64, judged=16)
        assert capsys.readouterr().out.splitlines()[-1] == f"The report: {report}"
        return json.loads(report.with_suffix(".json").read_text())

    numbers = run()
    assert numbers["judge_accuracy"]["background"] > 0.9
    assert set(numbers["caption_accuracy"]) == {"seen", "held_out"}
    assert run()["caption_accuracy"] == numbers["caption_accuracy"]
