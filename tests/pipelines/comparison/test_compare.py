"""The order of a comparison's steps, resuming and failures, with fake work: nothing is trained."""

import contextlib
import json
import os
import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pipelines.cli import parse
from pipelines.comparison import steps
from pipelines.comparison.compare import compare
from pipelines.comparison.eta import ProgressLog, approximate_time
from pipelines.comparison.plan import DEFAULT_SYSTEMS, plan_runs
from pipelines.comparison.steps import Actions, ComparisonInterrupted
from pipelines.judges.cached_record import CLASSIFIER, DIGIT_JUDGE
from pipelines.options import Compare
from t2i_tf.errors import UsageError, UserError
from t2i_tf.presets import preset
from tests.data_folders import make_examples, write_data_folder
from tests.pipelines.evaluation.evaluations import evaluation


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    splits = {"train": make_examples(6), "test": make_examples(4, seed=1, prefix="test")}
    return write_data_folder(tmp_path_factory.mktemp("compare") / "data", splits)


class Killed(BaseException):
    """Stands for `kill -9`: the comparison does not catch it."""


class Fakes:
    """Actions that record their calls and write the files that the real ones write."""

    def __init__(self):
        self.done, self.arguments = [], {}
        self.instead = {}  # name of a run -> what its training does instead
        self.networks = {"classifier": None, "digit_judge": None}  # SHA-256 of those that measure
        self.clock = 1_000_000_000

    def actions(self):
        return Actions(self.train, self.evaluate, self.study, self.report, lambda: {"cores": "2"})

    def write(self, path, text="{}"):
        """Write a file that is newer than all before."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.clock += 1
        os.utime(path, (self.clock, self.clock))

    def train(self, config, data, workdir, *, sentences):
        self.done.append(f"train {workdir.name}")
        self.arguments[workdir.name] = (config, sentences)
        if workdir.name in self.instead:
            self.instead[workdir.name]()
        self.write(workdir / "checkpoints" / "step-00000012.npz")
        interrupted = self.instead.get("interrupt") == workdir.name
        return SimpleNamespace(step=12, seconds=6.0, loss=np.inf, interrupted=interrupted)

    def evaluate(self, workdir, data, *, sharpen, seed, out, open_judge=False):
        self.done.append(f"measure {workdir.name}")
        self.arguments[f"measure {workdir.name}"] = sharpen
        result = evaluation()
        result["settings"] |= {"sharpen": sharpen and str(sharpen), "seed": seed}
        result["settings"] |= {"open_judge": "0f" * 32} if open_judge else {}
        result["settings"] |= self.networks
        self.write(out, json.dumps(result))

    def study(self, name, workdir, out, *, data, captioner, seed):
        self.done.append(f"study {name}")
        self.arguments[f"study {name}"] = (workdir.name, captioner and captioner.name)
        if name == "colours":
            raise UsageError("None of the words is in the vocabulary.")
        made = {"workdir": str(workdir), "seed": seed}
        self.write(out / f"{name}.json", json.dumps({"made": made}))

    def report(self, comparison):
        self.done.append("report")
        self.measured = comparison.evaluated_systems()
        self.studied = comparison.finished_studies()


@pytest.fixture
def fakes(monkeypatch):
    """There are no models to free, so that Keras need not be imported."""
    monkeypatch.setattr(steps, "_freeing_models", contextlib.nullcontext)
    return Fakes()


@pytest.fixture
def run(data, tmp_path, fakes):
    """`compare` with fake actions in a folder of the test."""

    def run(**changes):
        arguments = {"data": data, "minutes": 0.5, "world": "tiny"} | changes
        return compare(workdir=tmp_path / "compare", actions=fakes.actions(), **arguments)

    return run


TWO = ("noalign-draw", "skip-thought-draw")


def test_everything_is_done_once_and_in_order(run, fakes, tmp_path, capsys):
    assert run() == {}
    assert fakes.done == [
        "train skip-thought",
        *(f"train {system}" for system in DEFAULT_SYSTEMS),
        "train sharpening",
        "train captioner",
        *(f"measure {system}" for system in DEFAULT_SYSTEMS),
        "study compositions",
        "study colours",
        "study backgrounds",
        "study objects",
        "study alignment",
        "study cycle",
        "report",
    ]
    output = capsys.readouterr().out
    assert re.search(
        r"\[1/22\] Train skip-thought encoder: about 8 s; .* left in all, until \d\d:\d\d", output
    )
    assert "Skipped: None of the words" in output
    assert fakes.measured == list(DEFAULT_SYSTEMS) and "colours" not in fakes.studied


def test_each_action_gets_the_runs_that_it_needs(run, fakes, tmp_path):
    run(seed=7)
    folder = tmp_path / "compare"
    config, sentences = fakes.arguments["align-draw"]
    assert (config.minutes, config.seed, sentences) == (0.5, 7, None)
    assert fakes.arguments["skip-thought"][0].minutes == 0.125
    for name in ("skip-thought-draw", "lapgan", "conv-deconv-vae", "sharpening"):
        assert fakes.arguments[name][1] == folder / "skip-thought"
    assert fakes.arguments["measure align-draw"] == folder / "sharpening"
    assert fakes.arguments["measure lapgan"] is None
    assert fakes.arguments["study alignment"] == ("align-draw", None)
    assert fakes.arguments["study cycle"] == ("align-draw", "captioner")


def test_a_system_that_the_paper_does_not_have_is_compared_where_it_is_named(run, fakes):
    run(systems=("lapgan", "conv-draw"))
    assert "conv-draw" not in DEFAULT_SYSTEMS
    assert fakes.arguments["study alignment"] == ("conv-draw", None)
    assert fakes.arguments["measure conv-draw"].name == "sharpening"


def test_the_same_command_again_does_nothing_but_the_report(run, fakes):
    run(systems=TWO)
    fakes.done.clear()
    run(systems=TWO)
    assert fakes.done == ["study colours", "report"]  # a skipped study is tried again


def test_a_killed_comparison_resumes_with_the_system_that_was_killed(run, fakes, tmp_path):
    def die():
        raise Killed

    fakes.instead["skip-thought-draw"] = die
    with pytest.raises(Killed):
        run(systems=TWO)
    assert fakes.done == ["train skip-thought", "train noalign-draw", "train skip-thought-draw"]
    record = json.loads((tmp_path / "compare" / "compare.json").read_text())
    begun = record["runs"]["skip-thought-draw"]["started"]
    assert record["runs"]["skip-thought-draw"]["ended"] is None
    fakes.done.clear(), fakes.instead.clear()
    assert run(systems=TWO) == {}
    assert fakes.done[:4] == [
        "train skip-thought-draw",
        "train sharpening",
        "train captioner",
        "measure noalign-draw",
    ]
    record = json.loads((tmp_path / "compare" / "compare.json").read_text())
    assert record["runs"]["skip-thought-draw"]["started"] == begun


def test_ctrl_c_interrupts_and_the_same_command_resumes(run, fakes):
    fakes.instead["interrupt"] = "noalign-draw"
    with pytest.raises(ComparisonInterrupted, match="step 12") as interrupted:
        run(systems=TWO)
    assert interrupted.value.exit_code == 130
    fakes.done.clear(), fakes.instead.clear()
    run(systems=TWO)
    assert fakes.done[0] == "train noalign-draw"


def test_a_failure_is_reported_and_the_other_steps_run(run, fakes, capsys):
    def became_nan():
        raise UserError("The loss became nan at step 3.")

    fakes.instead["noalign-draw"] = became_nan
    failed = run(systems=TWO)
    assert failed["Train noalignDRAW"] == "The loss became nan at step 3."
    assert "needs the training of noalignDRAW" in failed["Measure noalignDRAW"]
    assert "Train noalignDRAW FAILED: The loss became nan" in capsys.readouterr().out
    assert fakes.measured == ["skip-thought-draw"] and fakes.done[-1] == "report"
    fakes.done.clear(), fakes.instead.clear()
    assert run(systems=TWO) == {}
    assert fakes.done[:2] == ["train noalign-draw", "measure noalign-draw"]


def test_a_second_comparison_in_the_same_folder_is_refused(run, fakes):
    fakes.instead["noalign-draw"] = lambda: run(systems=TWO)
    failed = run(systems=TWO)
    assert "is in use: another `compare` runs in it" in failed["Train noalignDRAW"]
    assert fakes.done.count("train noalign-draw") == 1 and "measure skip-thought-draw" in fakes.done


def test_without_its_encoder_a_system_is_not_trained(run, fakes):
    def broken():
        raise RuntimeError("no memory")

    fakes.instead["skip-thought"] = broken
    failed = run(systems=TWO)
    assert failed["Train skip-thought encoder"] == "RuntimeError: no memory"
    assert "skip-thought encoder, which failed" in failed["Train skipthoughtDRAW"]
    assert "train skip-thought-draw" not in fakes.done and "measure noalign-draw" in fakes.done


def test_a_system_trained_since_is_measured_again(run, fakes, tmp_path):
    run(systems=TWO)
    fakes.write(tmp_path / "compare" / "noalign-draw" / "checkpoints" / "step-00000024.npz")
    fakes.done.clear()
    run(systems=TWO)
    assert fakes.done[0] == "measure noalign-draw" and "measure skip-thought-draw" not in fakes.done


def test_a_larger_budget_continues_all_runs_but_the_encoder(run, fakes):
    run(systems=TWO)
    fakes.done.clear()
    run(systems=TWO, minutes=1.0)
    assert fakes.done[:2] == ["train noalign-draw", "train skip-thought-draw"]
    fakes.done.clear()
    run(systems=TWO, minutes=0.5)
    assert not [done for done in fakes.done if done.startswith("train")]


def test_studies_of_another_system_are_out_of_date(run, fakes):
    run(systems=TWO)
    fakes.done.clear()
    run(systems=(*TWO, "align-draw"))
    assert fakes.arguments["study objects"] == ("align-draw", None)
    assert [done for done in fakes.done if done.startswith("study")] == [
        f"study {name}" for name in steps.STUDIES
    ]
    fakes.instead["captioner"] = lambda: (_ for _ in ()).throw(UserError("no"))
    run(systems=(*TWO, "align-draw"), minutes=1.0)
    assert "cycle" not in fakes.studied and "objects" in fakes.studied


def test_what_was_measured_with_other_settings_is_measured_again(run, fakes, tmp_path):
    run(systems=TWO[:1])
    run(systems=TWO, without=("sharpener",))
    assert fakes.arguments["measure skip-thought-draw"] is None
    fakes.done.clear()
    run(systems=TWO)
    assert [done for done in fakes.done if done.startswith("measure")] == [
        "measure skip-thought-draw",  # noalignDRAW was measured with the sharpener
    ]
    quick = evaluation()
    quick["settings"]["sizes"]["captions"] = 100
    fakes.write(tmp_path / "compare" / "noalign-draw" / "evaluation.json", json.dumps(quick))
    fakes.done.clear()
    run(systems=TWO)
    assert "measure noalign-draw" in fakes.done
    steered = json.loads((tmp_path / "compare" / "noalign-draw" / "evaluation.json").read_text())
    steered["settings"]["steering"] = {"guidance": 1.0, "best_of": 1}
    fakes.write(tmp_path / "compare" / "noalign-draw" / "evaluation.json", json.dumps(steered))
    fakes.done.clear()
    run(systems=TWO)
    assert "measure noalign-draw" in fakes.done
    fakes.write(tmp_path / "compare" / "noalign-draw" / "evaluation.json", "{}")
    fakes.done.clear()
    run(systems=TWO)
    assert "measure noalign-draw" in fakes.done


@pytest.mark.parametrize("network", [CLASSIFIER, DIGIT_JUDGE])
def test_systems_are_measured_by_one_network(run, fakes, monkeypatch, network):
    """After it was deleted and trained anew, what the old one measured is measured again."""
    run(systems=TWO)
    monkeypatch.setattr(
        steps, "cached_weights", lambda folder, name: "anew" if name == network else None
    )
    fakes.networks[network.replace("-", "_")] = "anew"
    fakes.done.clear()
    run(systems=TWO)
    assert [done for done in fakes.done if "measure" in done] == [f"measure {one}" for one in TWO]
    fakes.done.clear()
    run(systems=TWO)
    assert not [done for done in fakes.done if "measure" in done]


@pytest.mark.parametrize("text", ['{"settings": ', "[]", '{"settings": null, "made": {}}'])
def test_a_damaged_result_is_made_again(run, fakes, tmp_path, capsys, text):
    folder = tmp_path / "compare"
    run(systems=TWO)
    fakes.write(folder / "noalign-draw" / "evaluation.json", text)
    fakes.write(folder / "studies" / "objects.json", text)
    fakes.done.clear(), capsys.readouterr()
    assert run(systems=TWO) == {}
    assert fakes.done == ["measure noalign-draw", "study colours", "study objects", "report"]
    said = capsys.readouterr().out
    assert said.count("objects.json: ") == 1 and "It is made again." in said


def test_a_study_without_its_figure_is_made_again(run, fakes, tmp_path):
    run(systems=TWO)
    study = tmp_path / "compare" / "studies" / "objects.json"
    fakes.write(study, json.dumps(json.loads(study.read_text()) | {"figures": ["gone.png"]}))
    fakes.done.clear()
    run(systems=TWO)
    assert "study objects" in fakes.done


def test_a_damaged_history_stops_nothing_but_its_own_training(run, fakes, tmp_path):
    fakes.write(tmp_path / "compare" / "noalign-draw" / "history.csv", "step\nfive\n")
    assert run(systems=TWO) == {}


def test_without_its_damaged_record_a_comparison_goes_on(run, fakes, tmp_path):
    run(systems=TWO)
    record = tmp_path / "compare" / "compare.json"
    record.write_text(record.read_text()[:99])
    with pytest.raises(UserError, match=r"compare.json: not JSON: .* Delete it: what is trained"):
        run(systems=TWO)
    record.unlink()
    fakes.done.clear()
    assert run(systems=TWO) == {} and "measure noalign-draw" in fakes.done


def test_a_folder_holds_one_comparison(run, tmp_path):
    run(systems=TWO)
    with pytest.raises(UserError, match="another seed: 0, not 5"):
        run(systems=TWO, seed=5)
    with pytest.raises(UserError, match="another world: 'tiny', not 'mnist'"):
        run(systems=TWO, world="mnist")
    with pytest.raises(UserError, match="another sentences: None, not 'encoder'"):
        run(systems=TWO, sentences=Path("encoder"))
    other = write_data_folder(tmp_path / "other", {"train": make_examples(5)})
    with pytest.raises(UserError, match="another data"):
        run(data=other)


def test_parts_can_be_left_out():
    def names(*systems, **changes):
        return [run.name for run in plan_runs(systems, "tiny", 1.0, **changes)]

    assert names("align-draw") == ["skip-thought", "align-draw", "sharpening", "captioner"]
    assert names("align-draw", without=("sharpener", "captioner")) == ["align-draw"]
    assert names("lapgan", without=("captioner",)) == ["skip-thought", "lapgan"]
    assert names("lapgan", trains_encoder=False) == ["lapgan", "captioner"]


@pytest.mark.parametrize(
    ("systems", "minutes", "message"),
    [
        (["align-drew"], 1.0, "Did you mean 'align-draw'"),
        (["lapgan", "lapgan"], 1.0, "given twice"),
        ([], 1.0, "nothing to compare"),
        (["lapgan"], 0.0, "--minutes to be more than 0, got 0"),
        (["lapgan"], float("inf"), "--minutes to be more than 0, got inf"),
    ],
)
def test_what_cannot_be_planned(systems, minutes, message):
    with pytest.raises(UsageError, match=message):
        plan_runs(systems, "tiny", minutes)


def test_the_encoders_budget_is_checked_too():
    assert plan_runs(["lapgan"], "tiny", 1.0, encoder_minutes=3.0)[0].minutes == 3.0
    with pytest.raises(UsageError, match="--encoder-minutes to be more than 0, got -3"):
        plan_runs(["lapgan"], "tiny", 1.0, encoder_minutes=-3.0)


def test_a_negative_seed_is_refused_before_training():
    with pytest.raises(UsageError, match=r"--seed to be 0 or more .* got -1"):
        plan_runs(["lapgan"], "tiny", 1.0, seed=-1)


def test_without_a_world_the_presets_suit_the_data(run, fakes, tmp_path, capsys):
    """A folder of six pictures: the presets for photographs, fitted to it."""
    assert run(world=None, systems=("lapgan", "align-draw")) == {}
    output = capsys.readouterr().out
    assert "The photos presets, as the data suggest (--world takes others): 6 training" in output
    assert "few pictures" in output and "at most" not in output  # the budget is --minutes
    config, _ = fakes.arguments["align-draw"]
    assert (config.max_words, config.batch_size, config.patience) == (16, 4, 10)
    assert config.minutes == 0.5
    assert config.word_dropout == 0 < preset("align-draw-photos").config.word_dropout
    assert fakes.arguments["lapgan"][0].model.stages == 1  # of 4x6 pixels
    record = json.loads((tmp_path / "compare" / "compare.json").read_text())
    assert record["world"] == "photos"
    for name in ("lapgan", "align-draw"):
        parsed = parse(shlex.split(record["runs"][name]["command"])[3:])
        assert parsed.config == fakes.arguments[name][0], "the command alone trains the same"
    fakes.done.clear()
    run(world=None, systems=("lapgan", "align-draw"))
    assert not [done for done in fakes.done if done.startswith("train")]


def test_the_commands_are_recorded_once(run, data, tmp_path):
    workdir = tmp_path / "compare"
    choices = {"systems": TWO, "world": "tiny", "without": ("captioner",)}
    command = Compare(data, workdir, 0.5, **choices).command_line()
    assert command.startswith(f"python -m pipelines compare --data {data} --workdir")
    assert command.endswith(
        "--minutes 0.5 --systems noalign-draw skip-thought-draw --world tiny --without captioner"
    )
    run(**choices, command=command)
    run(**choices, command=command)
    record = json.loads((workdir / "compare.json").read_text())
    assert record["commands"] == [command]
    assert record["runs"]["skip-thought-draw"]["command"] == (
        f"python -m pipelines train --preset skip-thought-draw-tiny --data {data} "
        f"--workdir {workdir}/skip-thought-draw --minutes 0.5 --sentences {workdir}/skip-thought"
    )


def test_a_comparison_with_the_open_judge_measures_again_but_trains_nothing(run, fakes):
    choices = {"systems": TWO, "world": "tiny", "without": ("captioner", "studies")}
    run(**choices)
    fakes.done.clear()
    run(**choices, open_judge=True)
    assert fakes.done == [f"measure {system}" for system in sorted(TWO)] + ["report"]
    fakes.done.clear()
    run(**choices, open_judge=True)
    run(**choices)
    assert fakes.done == ["report", "report"]


def test_a_flag_without_a_value_is_recorded_as_it_is_typed():
    command = Compare(Path("data"), Path("runs"), 1.0, open_judge=True).command_line()
    assert command.endswith("--minutes 1 --open-judge")
    assert parse(shlex.split(command)[3:]).open_judge


def test_the_progress_log():
    lines = []
    log = ProgressLog({"a": 60.0, "b": 0.0, "c": 7200.0}, lines.append)
    log.begin("a")
    log.end("a")
    log.begin("b")
    log.end("b")
    log.update("c", 600.0)
    log.update("a", 600.0)  # has ended
    log.begin("c")
    assert lines[0].startswith("[1/3] a: about 60 s; 2 h 1 min left in all, until ")
    assert lines[1] == "[2/3] b: already done"
    assert lines[2].startswith("[3/3] c: about 10 min; 10 min left in all")
    assert (approximate_time(40), approximate_time(725)) == ("40 s", "12 min")
