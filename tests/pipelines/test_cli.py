import dataclasses
import errno
import io
import json
import math
import runpy
import subprocess
import sys
from types import SimpleNamespace

import pytest
from docstring_parser import parse_from_object
from rich.console import Console

from pipelines import commands, options, output_places, t2i
from pipelines.cli import COMMANDS, main, parse


def exit_code(*arguments):
    """The exit code of a command, run in this process."""
    try:
        return main(arguments)
    except SystemExit as leaving:
        return leaving.code


def test_help_shows_the_flags_and_needs_no_tensorflow():
    probe = (
        "import sys; from pipelines import cli\n"
        "try: cli.main(['train', '--help'])\n"
        "except SystemExit as e: print(e.code, *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    code, *modules = done.stderr.split()
    assert code == "0"
    assert not {"tensorflow", "keras", "numpy", "matplotlib"} & set(modules)
    assert "--model.steps" in done.stdout


def test_without_arguments_the_help_names_every_command(capsys):
    assert exit_code() == 0
    overview = capsys.readouterr().out
    assert all(command in overview for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS.values())
def test_every_option_has_a_help_that_stands_alone(command):
    texts = {param.arg_name: param.description for param in parse_from_object(command).params}
    nested = {"config", "sizes", "steering"}  # whose fields are the flags
    assert {field.name for field in dataclasses.fields(command)} - nested <= set(texts)
    for text in texts.values():
        assert text[0].isupper() or text[0].isdigit(), text
        assert not text.startswith(("Of ", "As ", "In ", "To ")), text


def test_flags_begin_at_the_preset_and_override_it():
    given = ["--data", "d", "--workdir", "w", "--model.steps", "5", "--seed", "3"]
    parsed = parse(["train", "--preset", "align-draw-tiny", *given])
    assert isinstance(parsed, options.Train)
    assert (parsed.config.model.steps, parsed.config.seed, parsed.config.batch_size) == (5, 3, 8)


FOLDERS = ("--data", "d", "--workdir", "w")


@pytest.mark.parametrize(
    "flags", [["--likelihood", "logistic"], ["--likelihood=logistic"]], ids=["apart", "joined"]
)
@pytest.mark.parametrize("preset", ["align-draw-tiny", "conv-deconv-vae-tiny"])
def test_the_likelihood_has_a_short_flag(preset, flags):
    given = ["--preset", preset, "--data", "d", "--workdir", "w", *flags]
    assert parse(["train", *given]).config.model.likelihood == "logistic"
    assert parse(["cluster", "train", *given]).command.config.model.likelihood == "logistic"
    assert parse(["train", *given, "--model.components", "5"]).config.model.components == 5


def test_flags_of_a_model_wait_until_it_is_known_what_model_it_is():
    given = [*FOLDERS, "--model.scales", "2", "--no-xla", "--model.components=5", "--seed", "3"]
    unchosen = parse(["train", *given])  # perhaps of a logistic ConvDRAW
    assert (unchosen.config.seed, unchosen.config.xla) == (3, False)
    config = parse(["train", "--preset", "conv-draw-tiny", *FOLDERS]).config
    config = dataclasses.replace(
        config, model=dataclasses.replace(config.model, likelihood="logistic")
    )
    model = parse(["train", *given], ("conv-draw-scenes", config)).config.model
    assert (model.scales, model.components) == (2, 5)
    with pytest.raises(SystemExit, match="2"):
        parse(["train", *FOLDERS, "--model.scale", "2"], ("conv-draw-scenes", config))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--preset", "align-draw-scen", "--data", "d"], "Did you mean 'align-draw-scene"),
        (["train", "--data", "d", "--workdir", "w", "--batchsize", "3"], "--batch-size"),
        (["trian"], "train"),
        (["train", "--preset", "lapgan-tiny", "--likelihood", "logistic"], "--likelihood is for"),
        (["train", "--preset", "align-draw-tiny", "--likelihood", "gaussian"], "logistic"),
        (
            ["train", "--preset", "align-draw-tiny", *FOLDERS, "--model.components", "5"],
            "--model.components is for --likelihood logistic",
        ),
        (["prepare", "--out", "x", "--source", "folder"], "--input"),
        (
            ["generate", "a", "--temperature", "1e38"],
            "--temperature to be 0 or more and at most 10",
        ),
        (["generate", "a", "--best-of", "1000000"], "--best-of to be 1 or more and at most 10000"),
        (["evaluate", *FOLDERS, "--guidance", "nan"], "--guidance to be 0 or more and at most 20"),
        (["benchmark", "train-step", "--repeats", "2"], "10 or more"),
        (["gallery", "a cat", "--workdirs"], "at least one work folder or preset"),
        (["benchmark", "train-step", "--preset", "lapgan-tiny"], "matmul baseline"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_to_do(arguments, message, capsys):
    assert exit_code(*arguments) == 2
    output = "".join(capsys.readouterr())
    assert message in output
    assert "Traceback" not in output


@pytest.mark.parametrize("package", ["pipelines", "serving"])
def test_a_reader_that_leaves_early_is_no_failure_of_ours(package):
    command = [sys.executable, "-u", "-m", package, "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


class Interrupted:
    def __getattr__(self, name):
        raise KeyboardInterrupt


@pytest.mark.parametrize("package", ["pipelines", "serving"])
def test_ctrl_c_during_the_imports_needs_no_traceback(package, monkeypatch):
    monkeypatch.setitem(sys.modules, f"{package}.cli", Interrupted())
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(package, run_name="__main__")
    assert ended.value.code == 130
    assert t2i.main(["serve" if package == "serving" else "train"]) == 130


def test_a_failure_exits_with_1_and_without_a_traceback(tmp_path):
    """In a process of its own, whose stderr would show TensorFlow's messages too."""
    command = [sys.executable, "-m", "pipelines", "prepare", "--verify", "--out", tmp_path / "none"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Error:") and "manifest.json: cannot be read" in done.stderr
    assert "Traceback" not in done.stderr and "oneDNN" not in done.stderr


def test_train_says_which_data_folder_is_missing(tmp_path, capsys):
    arguments = ["--data", str(tmp_path / "none"), "--workdir", str(tmp_path / "run")]
    assert main(["train", *arguments]) == 1
    assert "no such data folder" in capsys.readouterr().err


def test_generate_says_what_is_missing(tmp_path, capsys):
    assert main(["generate", "a cat", "--workdir", str(tmp_path)]) == 1
    assert "not a work folder" in capsys.readouterr().err


def test_names_are_printed_as_they_are(tmp_path, capsys):
    commands.console.print(str(tmp_path / "[old] runs" / ":car:"))
    assert main(["generate", "a cat", "--workdir", "[red]:car:"]) == 1
    said = capsys.readouterr()
    assert "[old] runs/:car:" in said.out and "'[red]:car:'" in said.err


def test_an_out_that_cannot_be_written_is_refused_before_the_benchmark(tmp_path, capsys):
    out = tmp_path / "none" / "result.json"
    assert main(["benchmark", "train-step", "--out", str(out)]) == 1
    assert "existing folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        ["benchmark", "train-step", "--out=@.json"],
        ["caption", "--workdir=run", "picture.png", "--out=@"],
        ["gallery", "a cat", "--workdirs=run", "--out=@.png"],
        ["generate", "a cat", "--workdir=run", "--out=@"],
        ["push", "run", "hf://user/name", "--out=@"],
        ["sharpness", "--workdir=run", "--sharpen=run", "--data=data", "--out=@.json"],
        ["study", "colours", "--workdir=run", "--out=@"],
    ],
    ids=lambda command: command[0],
)
def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    command, tmp_path, monkeypatch, capsys
):
    def refuse(**place):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(output_places, "tempfile", SimpleNamespace(TemporaryFile=refuse))
    out = str(tmp_path / "results")
    assert main([word.replace("@", out) for word in command]) == 1
    said = capsys.readouterr().err
    assert out in said and "cannot be written: No space left on device. Choose" in said


@pytest.fixture
def terminal(monkeypatch, capsys):
    """Replaces the commands' console by one of a width; returns a function that reads it."""

    def terminal(width):
        narrow = Console(width=width, highlight=False, soft_wrap=True)
        monkeypatch.setattr(commands, "console", narrow)
        return lambda: capsys.readouterr().out

    return terminal


def test_the_table_of_a_data_folder_fits_80_columns(terminal, tmp_path):
    output = terminal(80)
    splits = {
        name: {"examples": 1_234_567, "captions": 6_172_835, "shards": [{}] * 2412}
        for name in ("train", "held_out")
    }
    manifest = {"splits": splits, "vocabulary": {"size": 22_870}, "skipped": []}
    out = tmp_path / "long" / "a-name-that-is-longer-than-the-terminal-is-wide" / "data"
    commands._print_manifest(out, manifest)
    text = output()
    assert "…" not in text and str(out) in text
    for word in ("split", "pictures", "captions", "files", "held_out", "6,172,835", "2,412"):
        assert word in text


def test_the_scores_of_a_captioner_fit_80_columns(terminal, tmp_path, monkeypatch):
    from pipelines.data.prepared.data_folder import DataFolder
    from pipelines.evaluation import captioner_scores

    output = terminal(80)
    named = {"object": 0.9, "colour": None}
    scores = captioner_scores.CaptionerScores(pictures=1000, bleu_4=0.5, cider=1.25, named=named)
    monkeypatch.setattr(captioner_scores, "score_captioner", lambda *_: scores)
    monkeypatch.setattr(DataFolder, "open", lambda path: None)
    parsed = options.Caption(tmp_path, data=tmp_path / "data")
    commands._print_scores(parsed, None, 12, tmp_path / "captions")
    text = output()
    assert "…" not in text and "90.0%" in text and "1.250" in text
    scores = dataclasses.replace(scores, cider=None)
    commands._print_scores(parsed, None, 12, tmp_path / "captions")
    assert "1.250" not in output()
    assert str(tmp_path / "captions" / "scores-test.json") in text.replace("\n", "")


@pytest.mark.parametrize("width", [80, 30])
def test_the_table_of_sharpness_is_not_cut(terminal, tmp_path, monkeypatch, width):
    from pipelines.evaluation import sharpness

    output = terminal(width)
    metrics = ("gradient", "colour", "background", "object", "place")
    measured = {name: dict.fromkeys(metrics, 0.125) for name in ("real", "drawn", "sharpened")}
    monkeypatch.setattr(sharpness, "measure_sharpness", lambda *_, **__: measured)
    folders = [f"--{name}={tmp_path}" for name in ("workdir", "sharpen", "data")]
    out = tmp_path / "sharpness.json"
    assert main(["sharpness", *folders, "--out", str(out)]) == 0
    text = output()
    assert "…" not in text
    if width == 80:
        assert all(word in text for word in (*metrics, *measured))
    assert json.loads(out.read_text()) == measured
    measured["drawn"] = measured["drawn"] | {"colour": math.nan}  # no picture has one
    assert main(["sharpness", *folders, "--out", str(out)]) == 0
    assert "nan" not in output()
    assert json.loads(out.read_text())["drawn"]["colour"] is None


@pytest.mark.parametrize("command", [["study", "colours"], ["caption", "picture.png"]])
def test_a_file_for_the_folder_of_results_is_refused_before_the_work(command, tmp_path, capsys):
    (tmp_path / "out").write_text("")
    flags = ["--workdir", str(tmp_path), "--out", str(tmp_path / "out")]
    assert exit_code(*command, *flags) == 2
    assert "Expected --out to be a folder, got the file" in capsys.readouterr().err


def test_the_results_of_a_benchmark_are_not_cut(terminal, tmp_path, monkeypatch):
    from pipelines.benchmarks import run

    output = terminal(80)
    given = {}

    def benchmark(name, **arguments):
        given.update(arguments)
        return {"preset": "align-draw-scenes", "median_seconds": 1234.5678, "batch_size": 64}

    monkeypatch.setattr(run, "benchmark", benchmark)
    out = tmp_path / "benchmark.json"
    assert main(["benchmark", "input", "--batch-size", "8", "--out", str(out)]) == 0
    assert given == {
        "preset_name": "align-draw-scenes",
        "batch_size": 8,
        "data": None,
        "workers": 2,
        "repeats": 10,
    }
    lines = output().splitlines()
    assert lines[2].split() == ["median_seconds", "1,235"]
    assert list(json.loads(out.read_text())) == [line.split()[0] for line in lines]


def test_compare_passes_its_options_on(tmp_path, monkeypatch, capsys):
    from pipelines.comparison import compare

    given = {}

    def fake(data, workdir, minutes, **others):
        given.update(data=data, workdir=workdir, minutes=minutes, **others)
        return {"Train LAPGAN": "no memory"}

    monkeypatch.setattr(compare, "compare", fake)
    arguments = ["--data", "d", "--workdir", str(tmp_path), "--minutes", "2", "--world", "tiny"]
    arguments += ["--systems", "lapgan", "align-draw", "--without", "studies", "--seed", "5"]
    arguments += ["--encoder-minutes", "1.5", "--sentences", "encoder"]
    assert main(["compare", *arguments]) == 1
    assert "Train LAPGAN failed: no memory" in capsys.readouterr().out
    parsed = parse(["compare", *arguments])
    assert given == vars(parsed) | {"command": parsed.command_line()}


def test_a_gallery_that_is_not_named_png_is_refused(tmp_path, capsys):
    arguments = ["a cat", "--workdirs", str(tmp_path), "--out", str(tmp_path / "x.jpg")]
    assert main(["gallery", *arguments]) == 2
    assert "named .png" in capsys.readouterr().err


def test_bytes_of_another_encoding_become_replacement_characters():
    assert commands._decodable(("a caf\udce9", "größe")) == ("a caf\ufffd", "größe")


def test_output_that_a_terminal_cannot_show_is_replaced(monkeypatch):
    latin = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr("sys.stdout", latin)
    monkeypatch.setattr(commands, "run", lambda options: print("größe-中") or 0)
    assert main(["demo"]) == 0
    assert latin.buffer.getvalue() == "größe-?\n".encode("latin-1")


@pytest.mark.parametrize(
    ("command", "flag"),
    [
        (["generate", "a bus"], "--workdir"),
        (["generate", "a bus"], "--sharpen"),
        (["generate", "a bus"], "--captioner"),
        (["generate", "a bus"], "--out"),
        (["gallery", "a bus", "--workdirs"], "--workdirs"),
        (["prepare", "--input", "pictures"], "--out"),
        (["train", "--preset", "align-draw-tiny", "--data", "d", "--workdir", "w"], "--init"),
        (["cluster", "train", "--preset", "align-draw-tiny", "--data", "d", "--workdir", "w"],
         "--init"),
        (["prepare", "--input", "pictures"], "--out"),  # else the current folder
        (["train", "--preset", "align-draw-tiny", "--workdir", "w"], "--data"),
    ],
)  # fmt: skip
def test_an_empty_value_is_not_taken_for_an_absent_flag(capsys, command, flag):
    assert main([*command, flag, ""]) == 2
    assert f"Expected a value for {flag}, got an empty string." in capsys.readouterr().err


def test_an_empty_place_is_not_taken_for_the_current_folder(capsys):
    assert main(["scenes", ""]) == 2
    assert "Expected a value as argument 1, got an empty string." in capsys.readouterr().err


@pytest.mark.parametrize("out", [["--out", "~/drawn"], ["--out=~/drawn"]])
def test_a_home_folder_that_the_shell_has_not_expanded(out, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    asked = []
    monkeypatch.setattr(commands, "run", lambda options: asked.append(options) or 0)
    assert main(["generate", "a bus, or ~", "--workdir", "~/run", *out]) == 0
    (options,) = asked
    assert options.out == tmp_path / "drawn" and options.workdir == str(tmp_path / "run")
    assert options.captions == ("a bus, or ~",)


def test_an_error_of_the_disk_is_one_sentence(monkeypatch, capsys, tmp_path):
    def full(options):
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "file"))

    monkeypatch.setattr(commands, "run", full)
    assert main(["demo"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("Error:") and "file cannot be read or written: No space" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--data", "d", "--workdir", "w"], "Give --preset, so that all of them train"),
        (["demo", "--folder", "f"], "`demo` runs on one machine"),
        (["compare", "--data", "d", "--workdir", "w", "--minutes", "1"], "`compare` runs on one"),
    ],
)
def test_several_workers_run_only_what_they_can(arguments, message, monkeypatch, capsys):
    cluster = {"worker": ["a:1", "b:1"]}
    config = {"cluster": cluster, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
