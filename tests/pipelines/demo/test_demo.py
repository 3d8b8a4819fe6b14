import dataclasses
import json

import pytest

from pipelines.demo import demo as module
from pipelines.demo.demo import demo
from pipelines.training.train import train
from t2i_tf.presets import PRESETS, preset
from tests.eager import eagerly

NAME = "align-draw-tiny"


def train_eagerly(*arguments):
    """Twelve steps; tracing and compiling their graph takes longer. Its tests are elsewhere."""
    with eagerly():
        return train(*arguments)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Even though the:UserWarning")
def test_the_whole_journey_and_again(tmp_path, capsys, monkeypatch):
    tiny = preset(NAME)
    without_xla = dataclasses.replace(tiny.config, xla=False)
    monkeypatch.setitem(PRESETS, NAME, dataclasses.replace(tiny, config=without_xla))
    monkeypatch.setattr(module, "train", train_eagerly)

    def run():
        report = demo(tmp_path / "demo", preset_name=NAME, pictures=64, judged=16)
        assert capsys.readouterr().out.splitlines()[-1] == f"The report: {report}"
        return json.loads(report.with_suffix(".json").read_text())

    numbers = run()
    assert numbers["judge_accuracy"]["background"] > 0.9
    assert set(numbers["caption_accuracy"]) == {"seen", "held_out"}
    assert run()["caption_accuracy"] == numbers["caption_accuracy"]
