"""The server's flags, under TensorFlow Serving's names. Without TensorFlow: `--help` is quick."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from importlib import metadata

from serving import contract
from serving.command_words import empty_value
from serving.server.config import upstream_flags
from serving.server.config.flag_values import at_least, boolean, fraction, port, seconds

PROG = "python -m serving serve"

_MAY_BE_EMPTY = {f"--{name}".replace("_", "-") for name in upstream_flags.REFUSED}
"""Their defaults, which ask for nothing."""


@dataclass(frozen=True)
class Flags:
    """The values of the flags, under their names."""

    model_name: str
    model_base_path: str
    model_config_file: str
    model_config_file_poll_wait_seconds: float
    file_system_poll_wait_seconds: float
    allow_version_labels_for_unavailable_models: bool
    enable_model_warmup: bool
    num_request_iterations_for_warmup: int
    saved_model_tags: str
    host: str
    port: int
    grpc_socket_path: str
    grpc_channel_arguments: str
    grpc_max_threads: int
    ssl_config_file: str
    enable_serialization_as_tensor_content: bool
    rest_api_port: int
    rest_api_timeout_in_ms: int
    rest_api_num_threads: int
    rest_api_enable_cors_support: bool
    monitoring_config_file: str
    enable_batching: bool
    batching_parameters_file: str
    enable_per_model_batching_parameters: bool
    tensorflow_session_config_file: str
    tensorflow_session_parallelism: int
    tensorflow_intra_op_parallelism: int
    tensorflow_inter_op_parallelism: int
    per_process_gpu_memory_fraction: float
    mixed_precision: str
    max_request_bytes: int
    shutdown_delay_seconds: float
    shutdown_grace_seconds: float
    notes: tuple[str, ...] = ()
    """What was given and has no effect, a sentence each."""


def parse(argv: Sequence[str] | None = None, prog: str = PROG) -> Flags:
    """The flags of a command line; `--model_name` and `--model-name` are the same.

    Exits with 2 on wrong usage, and with 0 after `--version`.
    """
    parser = _parser(prog)
    words = [_dashed(word) for word in (sys.argv[1:] if argv is None else argv)]
    values = parser.parse_args(words)
    if values.version:
        print(_versions())
        parser.exit(0)
    if empty := empty_value(words, allowed=_MAY_BE_EMPTY):
        parser.error(empty)
    for complaint in _complaints(values):
        parser.error(complaint)
    given = {field.name: getattr(values, field.name) for field in fields(Flags)[:-1]}
    return Flags(**given, notes=tuple(_notes(values)))


def _complaints(values: argparse.Namespace):
    """A sentence for everything that does not go together, or is refused."""
    for name, value in vars(values).items():
        if isinstance(value, str) and not _is_text(value):
            yield f"--{name} is not text: its bytes are not UTF-8"
    if not values.model_base_path and not values.model_config_file:
        yield "give --model_base_path or --model_config_file"
    if values.rest_api_port and values.rest_api_port == values.port:
        yield "--rest_api_port cannot be the same as --port"
    if values.batching_parameters_file and not values.enable_batching:
        yield "--batching_parameters_file needs --enable_batching"
    if values.enable_per_model_batching_parameters and not values.enable_batching:
        yield "--enable_per_model_batching_parameters needs --enable_batching"
    threads = ("session", "intra_op", "inter_op")
    if all(getattr(values, f"tensorflow_{name}_parallelism") for name in threads):
        yield (
            "give --tensorflow_session_parallelism, or --tensorflow_intra_op_parallelism and "
            "--tensorflow_inter_op_parallelism, but not all three"
        )
    yield from upstream_flags.refusals(values)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # bytes of the command line, which no message can hold
        return False
    return True


def _notes(values: argparse.Namespace):
    if values.model_config_file and values.model_base_path:
        yield (
            "--model_base_path and --model_name have no effect here: --model_config_file names "
            "the models"
        )
    yield from upstream_flags.notes(values)


def _versions() -> str:
    """In the form of TensorFlow Serving's own answer."""
    protocol = metadata.version("tensorflow-serving-api")
    return (
        f"TensorFlow ModelServer: protocol of {protocol}, spoken by the embedded server\n"
        f"TensorFlow Library: {metadata.version('tensorflow')}"
    )


def _dashed(word: str) -> str:
    """`--model_name=a_b` as `--model-name=a_b`: the name changes, the value does not."""
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Serve SavedModels over TensorFlow Serving's gRPC and REST protocols. Its "
        "other flags are accepted too: those without an effect are reported at the start.",
        allow_abbrev=False,  # an abbreviation could change its meaning when a flag is added
    )
    _add_switch(parser, "--version", False, "print the versions, and exit")
    _add_model_flags(parser.add_argument_group("models"))
    _add_grpc_flags(parser.add_argument_group("gRPC"))
    _add_rest_flags(parser.add_argument_group("REST"))
    _add_running_flags(parser.add_argument_group("running"))
    _add_tensorflow_flags(parser.add_argument_group("TensorFlow"))
    upstream_flags.add_unsupported_flags(parser.add_argument_group())
    return parser


def _add_switch(
    group: argparse._ActionsContainer, name: str, default: bool, text: str, *others: str
) -> None:
    """A flag that may stand alone or have a value, true or false, as in TensorFlow Serving."""
    group.add_argument(
        name,
        *others,
        type=boolean,
        nargs="?",
        const=True,
        default=default,
        metavar="BOOL",
        help=text,
    )


def _add_model_flags(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--model-name", default=contract.MODEL_NAME, help="name of the model (%(default)s)")
    add("--model-base-path", default="", help="folder that holds the numbered versions")
    add(
        "--model-config-file",
        default="",
        help="ModelServerConfig text proto: several models, labels",
    )
    add(
        "--model-config-file-poll-wait-seconds",
        type=seconds,
        default=0,
        help="seconds between reads of the config file; 0: only at start",
    )
    add(
        "--file-system-poll-wait-seconds",
        type=seconds,
        default=1,
        help="seconds between looks for new versions; 0: only at start (%(default)s)",
    )
    _add_switch(
        group,
        "--allow-version-labels-for-unavailable-models",
        False,
        "let a new label name a version that is not loaded yet",
    )
    add("--saved-model-tags", default="serve", help="comma-separated tags of the graph to load")
    _add_switch(
        group,
        "--enable-model-warmup",
        True,
        "replay a version's warm-up requests before serving it",
    )
    add(
        "--num-request-iterations-for-warmup",
        type=at_least(0),
        default=1,
        help="how many times each of them is replayed (%(default)s)",
    )


def _add_grpc_flags(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--host",
        default="127.0.0.1",
        help="address to listen on, such as ::1; 0.0.0.0 or :: for all (%(default)s)",
    )
    add(
        "--port",
        type=port,
        default=contract.GRPC_PORT,
        help="gRPC port; 0: only --grpc-socket-path, or else a free port (%(default)s)",
    )
    add("--grpc-socket-path", default="", help="UNIX socket to listen on as well")
    add("--grpc-channel-arguments", default="", help="gRPC options: key=value, comma-separated")
    add(
        "--grpc-max-threads",
        type=at_least(1),
        default=64,
        help="requests that run at once (%(default)s)",
    )
    add("--ssl-config-file", default="", help="SSLConfig text proto, with PEM text: TLS")
    _add_switch(
        group,
        "--enable-serialization-as-tensor-content",
        False,
        "answer with packed numbers, not in *_val fields",
        "--tensor-content",
    )


def _add_rest_flags(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--rest-api-port", type=port, default=0, help="REST port; 0: no REST (%(default)s)")
    add(
        "--rest-api-timeout-in-ms",
        type=at_least(1),
        default=30_000,
        help="for a request and its answer (%(default)s)",
    )
    add(
        "--rest-api-num-threads",
        type=at_least(1),
        default=4 * (os.cpu_count() or 1),
        help="requests that run at once (%(default)s)",
    )
    _add_switch(
        group,
        "--rest-api-enable-cors-support",
        False,
        "let pages of any site send requests: Cross-Origin Resource Sharing",
    )
    add("--monitoring-config-file", default="", help="MonitoringConfig text proto: metrics")


def _add_running_flags(group: argparse._ArgumentGroup) -> None:
    _add_switch(group, "--enable-batching", False, "join requests into batches")
    add = group.add_argument
    add("--batching-parameters-file", default="", help="BatchingParameters text proto")
    _add_switch(
        group,
        "--enable-per-model-batching-parameters",
        False,
        "read them from batching_params.pbtxt in a version's folder; no batches without it",
    )
    add(
        "--max-request-bytes",
        type=at_least(1),
        default=contract.MAX_MESSAGE_BYTES,
        help="largest request that is accepted (%(default)s)",
    )
    add(
        "--shutdown-delay-seconds",
        type=seconds,
        default=1,
        help="after SIGTERM, time in which health is NOT_SERVING and requests are still "
        "accepted, so that load balancers notice (%(default)s)",
    )
    add(
        "--shutdown-grace-seconds",
        type=seconds,
        default=30,
        help="time for running requests to finish after that (%(default)s)",
    )


def _add_tensorflow_flags(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--tensorflow-session-config-file", default="", help="ConfigProto text proto")
    for name, text in (
        ("session", "threads of both pools below"),
        ("intra-op", "threads within an operation"),
        ("inter-op", "operations that run at once"),
    ):
        add(
            f"--tensorflow-{name}-parallelism",
            type=at_least(0),
            default=0,
            help=f"{text}; 0: chosen by TensorFlow",
        )
    add(
        "--per-process-gpu-memory-fraction",
        type=fraction,
        default=0,
        help="share of a GPU's memory to take at the start; 0: as much as is needed",
    )
    add(
        "--mixed-precision",
        choices=["bfloat16"],
        default="",
        help="bfloat16: compute with it where oneDNN can",
    )
