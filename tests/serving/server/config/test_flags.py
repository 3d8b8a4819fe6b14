"""The command line: every flag of TensorFlow Serving's, in either spelling, and what it does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from serving.server.config.flag_table import honoured, table
from serving.server.config.flags import parse
from serving.server.config.session_config import session_config
from serving.server.config.upstream_flags import REFUSED, WITHOUT_EFFECT
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[4]
UPSTREAM = """
    port grpc_socket_path rest_api_port rest_api_num_threads rest_api_timeout_in_ms
    rest_api_enable_cors_support enable_batching allow_version_labels_for_unavailable_models
    batching_parameters_file enable_per_model_batching_parameters model_config_file
    model_config_file_poll_wait_seconds model_name model_base_path num_load_threads
    num_unload_threads max_num_load_retries load_retry_interval_micros
    file_system_poll_wait_seconds flush_filesystem_caches tensorflow_session_parallelism
    tensorflow_session_config_file tensorflow_intra_op_parallelism tensorflow_inter_op_parallelism
    use_alts_credentials ssl_config_file platform_config_file per_process_gpu_memory_fraction
    saved_model_tags grpc_channel_arguments grpc_max_threads enable_model_warmup
    num_request_iterations_for_warmup version monitoring_config_file
    remove_unused_fields_from_bundle_metagraph prefer_tflite_model num_tflite_pools
    num_tflite_interpreters_per_pool enable_signature_method_name_check
    xla_cpu_compilation_enabled xla_gpu_compilation_enabled enable_profiler
    thread_pool_factory_config_file mixed_precision skip_initialize_tpu
    enable_grpc_healthcheck_service enable_serialization_as_tensor_content
"""
"""What tensorflow_model_server's main.cc declares."""


def test_every_flag_of_tensorflow_serving_has_one_treatment():
    treated = [*honoured(), *WITHOUT_EFFECT, *REFUSED]
    assert sorted(treated) == sorted(UPSTREAM.split())


def test_build_md_has_the_table_of_flags():
    text = (ROOT / "BUILD.md").read_text()
    assert table() in text, "python -m serving.server.config.flag_table prints the table"


@pytest.mark.parametrize("name", sorted(WITHOUT_EFFECT))
def test_a_flag_without_effect_is_accepted_with_one_line_that_says_why(name):
    flag = WITHOUT_EFFECT[name]
    value = "4" if flag.kind is int else "true"
    flags = parse(["--model_base_path=m", f"--{name}={value}"])
    assert flags.notes == (f"--{name} has no effect here: {flag.reason}",)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_refused_flag_says_why_and_its_default_is_accepted(name, capsys):
    flag = REFUSED[name]
    given, default = ("file", "") if flag.kind is str else ("true", "false")
    assert parse(["--model_base_path=m", f"--{name}={default}"]).notes == ()
    with pytest.raises(SystemExit) as exit_:
        parse(["--model_base_path=m", f"--{name}={given}"])
    assert exit_.value.code == 2
    assert f"--{name} is not supported: {flag.reason}" in capsys.readouterr().err


def test_the_flags_of_the_compose_file_are_accepted():
    text = (ROOT / "serving" / "tf_serving" / "compose.yaml").read_text()
    words = re.findall(r"^ +- (--\S+)", text, re.MULTILINE)
    assert len(words) > 4
    assert parse(words).notes == ()


def test_the_command_of_the_docker_image_works_with_a_config_file():
    image = ["--port=8500", "--rest_api_port=8501", "--model_name=m", "--model_base_path=/models/m"]
    (note,) = parse([*image, "--model_config_file=c"]).notes
    assert "--model_base_path and --model_name have no effect" in note


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


@pytest.mark.parametrize("name", ["tensor_content", "enable_serialization_as_tensor_content"])
def test_packed_answers_have_two_names(name):
    flags = parse(["--model_base_path=m", f"--{name}"])
    assert flags.enable_serialization_as_tensor_content


@pytest.mark.parametrize(
    "words",
    [
        ["--port=70000"],
        ["--port=٣٤٥"],
        ["--port=²"],
        ["--port=5", "--rest_api_port=5"],
        ["--batching_parameters_file=b"],
        ["--enable_per_model_batching_parameters"],
        ["--enable_batching=perhaps"],
        ["--no_such_flag"],
        ["--grpc_max_threads=0"],
        ["--rest_api_num_threads=0"],
        ["--rest_api_timeout_in_ms=0"],
        ["--max_request_bytes=-1"],
        ["--shutdown_grace_seconds=-1"],
        ["--shutdown_delay_seconds=nan"],
        ["--file_system_poll_wait_seconds=-1"],
        ["--per_process_gpu_memory_fraction=1.5"],
        ["--mixed_precision=float16"],
        ["--ssl_config_file="],
        ["--host", ""],
        ["--model_name="],
        ["--tensorflow_session_parallelism=-2"],
        ["--tensorflow_session_parallelism=99999999999"],
        ["--max_request_bytes=9999999999"],
        ["--grpc_max_threads=2147483648"],
        ["--shutdown_delay_seconds=1e300"],
        ["--file_system_poll_wait_seconds=1e10"],
        ["--model_name=\udcff"],
        ["--grpc_channel_arguments=a=\udcff"],
        [
            "--tensorflow_session_parallelism=2",
            "--tensorflow_intra_op_parallelism=2",
            "--tensorflow_inter_op_parallelism=2",
        ],
    ],
)
def test_misuse_exits_with_2(words, capsys):
    with pytest.raises(SystemExit) as exit_:
        parse(["--model_base_path=m", *words])
    assert exit_.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_a_model_must_be_named(capsys):
    with pytest.raises(SystemExit):
        parse([])
    assert "give --model_base_path or --model_config_file" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--version"], ["--version=true"]])
def test_version_needs_nothing_else(words, capsys):
    with pytest.raises(SystemExit) as exit_:
        parse(words)
    assert exit_.value.code == 0
    server, library = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"TensorFlow ModelServer: .*\d+\.\d+.*", server)
    assert re.fullmatch(r"TensorFlow Library: \d+\.\d+\.\d+\S*", library)


def _threads(*words: str) -> tuple[int, int]:
    config = session_config(parse(["--model_base_path=m", *words]))
    return config.intra_op_parallelism_threads, config.inter_op_parallelism_threads


def test_parallelism():
    assert _threads() == (0, 0)
    assert _threads("--tensorflow_session_parallelism=3") == (3, 3)
    assert _threads("--tensorflow_intra_op_parallelism=3") == (3, 0)
    between = "--tensorflow_inter_op_parallelism=4"
    assert _threads("--tensorflow_intra_op_parallelism=3", between) == (3, 4)


def test_session_options_come_from_a_file_and_flags_override_it(tmp_path):
    path = tmp_path / "session.config"
    path.write_text("inter_op_parallelism_threads: 5 intra_op_parallelism_threads: 6")
    file = f"--tensorflow_session_config_file={path}"
    assert _threads(file) == (6, 5)
    assert _threads(file, "--tensorflow_intra_op_parallelism=3") == (3, 5)
    words = ["--per_process_gpu_memory_fraction=0.5", "--mixed_precision=bfloat16"]
    config = session_config(parse(["--model_base_path=m", *words]))
    assert config.gpu_options.per_process_gpu_memory_fraction == 0.5
    assert not config.gpu_options.allow_growth
    assert config.graph_options.rewrite_options.auto_mixed_precision_onednn_bfloat16 == 1


def test_help_imports_no_tensorflow():
    code = (
        "import sys\nfrom serving.server.serve import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: sys.exit('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0
    assert "--model-base-path" in done.stdout
