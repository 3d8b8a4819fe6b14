import subprocess
import sys

import pytest

from pipelines import options
from pipelines.cli import main, parse


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "pipelines", *arguments], capture_output=True, text=True
    )


def test_help_names_every_command_and_needs_no_tensorflow():
    probe = (
        "import sys; from pipelines import cli\n"
        "try: cli.main(['train', '--help'])\n"
        "except SystemExit as e: print(e.code, 'tensorflow' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert done.stderr.split() == ["0", "False"]
    assert "--model.steps" in done.stdout
    overview = run()
    assert overview.returncode == 0
    for command in ("demo", "scenes", "prepare", "train", "generate", "benchmark"):
        assert command in overview.stdout


def test_flags_begin_at_the_preset_and_override_it():
    given = ["--data", "d", "--workdir", "w", "--model.steps", "5", "--seed", "3"]
    chosen = parse(["train", "--preset", "align-draw-tiny", *given])
    assert isinstance(chosen, options.Train)
    assert (chosen.config.model.steps, chosen.config.seed, chosen.config.batch_size) == (5, 3, 8)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "--preset", "align-draw-scen", "--data", "d"], "Did you mean 'align-draw-scene"),
        (["train", "--data", "d", "--workdir", "w", "--batchsize", "3"], "--batch-size"),
        (["trian"], "train"),
        (["prepare", "--out", "x", "--source", "folder"], "--input"),
        (["benchmark", "train-step", "--repeats", "2"], "10 or more"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_to_do(arguments, said):
    done = run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("package", ["pipelines", "serving"])
def test_a_reader_that_leaves_early_is_no_failure_of_ours(package):
    command = [sys.executable, "-u", "-m", package, "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_a_failure_exits_with_1_and_without_a_traceback(tmp_path):
    done = run("train", "--data", str(tmp_path / "none"), "--workdir", str(tmp_path / "run"))
    assert done.returncode == 1
    assert done.stderr.startswith("Error:") and "no such data folder" in done.stderr
    assert "Traceback" not in done.stderr and "oneDNN" not in done.stderr


def test_generate_tells_what_is_missing(tmp_path, capsys):
    assert main(["generate", "a cat", "--workdir", str(tmp_path)]) == 1
    assert "not a work folder" in capsys.readouterr().err
