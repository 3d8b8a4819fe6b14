"""The command line: TensorFlow Serving's flags, in either spelling."""

import subprocess
import sys

import pytest

from serving.server.config.flags import parse


def test_underscores_and_dashes_are_the_same():
    flags = parse(["--model_name=a_b", "--model-base-path", "m_1", "--rest_api_port=8501"])
    assert (flags.model_name, flags.model_base_path, flags.rest_api_port) == ("a_b", "m_1", 8501)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], False),
        (["--enable_batching"], True),
        (["--enable_batching=true"], True),
        (["--enable-batching=false"], False),
    ],
)
def test_a_switch_may_stand_alone_or_be_given_a_value(words, expected):
    assert parse(["--model_base_path=m", *words]).enable_batching is expected


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--model_base_path=m", "--model_config_file=c"],
        ["--model_base_path=m", "--port=70000"],
        ["--model_base_path=m", "--port=5", "--rest_api_port=5"],
        ["--model_base_path=m", "--batching_parameters_file=b"],
        ["--model_base_path=m", "--enable_batching=perhaps"],
        ["--model_base_path=m", "--no_such_flag"],
    ],
)
def test_misuse_exits_with_2(words, capsys):
    with pytest.raises(SystemExit) as exit_:
        parse(words)
    assert exit_.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_help_imports_no_tensorflow():
    code = (
        "import sys\nfrom serving.server.serve import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: sys.exit('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0
    assert "--model-base-path" in done.stdout
