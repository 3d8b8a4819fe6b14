import dataclasses
import json
import shlex
from types import SimpleNamespace

import pytest

from pipelines.cli import main
from pipelines.demo import demo as module
from pipelines.demo.demo import demo
from pipelines.training.train import Outcome, train
from t2i_tf.presets import PRESETS, preset
from tests.eager import eagerly

NAME = "align-draw-tiny"


def train_eagerly(*arguments):
    """Twelve steps; tracing and compiling their graph takes longer. Its tests are elsewhere."""
    with eagerly():
        return train(*arguments)


def test_an_interrupted_training_ends_the_demo_as_ctrl_c_ends_a_command(
    tmp_path, capsys, monkeypatch
):
    for step in ("write_scenes", "CocoSource", "prepare"):
        monkeypatch.setattr(module, step, lambda *_, **__: None)
    interrupted = Outcome(step=7, seconds=1.0, loss=1.0, interrupted=True)
    monkeypatch.setattr(module, "train", lambda *_: interrupted)
    assert main(["demo", "--folder", str(tmp_path)]) == 130
    assert "step 7 is saved. Run the same command again" in capsys.readouterr().err


def test_the_commands_of_the_report_work_for_a_folder_with_a_space(tmp_path):
    folder = tmp_path / "my demo"
    made = module._provenance(folder, NAME, 64, SimpleNamespace(step=9, seconds=1.0), {})
    assert shlex.split(made.command)[-2:] == ["--folder", str(folder)]
    commands = [shlex.split(command) for command in made.next_commands.values()]
    own = [word for command in commands for word in command if word.startswith(str(tmp_path))]
    assert own == [str(folder / name) for name in ("run", "data", "run-longer", "run/tensorboard")]


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
