"""The server's flags, under TensorFlow Serving's names. Without TensorFlow: `--help` is quick."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields

from serving import contract


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
    host: str
    port: int
    grpc_socket_path: str
    grpc_channel_arguments: str
    grpc_max_threads: int
    ssl_config_file: str
    rest_api_port: int
    rest_api_timeout_in_ms: int
    rest_api_num_threads: int
    rest_api_enable_cors_support: bool
    enable_batching: bool
    batching_parameters_file: str
    monitoring_config_file: str
    tensor_content: bool
    max_request_bytes: int
    shutdown_grace_seconds: float


def parse(argv: Sequence[str] | None = None) -> Flags:
    """The flags of a command line; `--model_name` and `--model-name` are the same.

    Exits with 2 on wrong usage.
    """
    parser = _parser()
    words = sys.argv[1:] if argv is None else argv
    values = parser.parse_args([_dashed(word) for word in words])
    if bool(values.model_base_path) == bool(values.model_config_file):
        parser.error("give either --model_base_path or --model_config_file")
    if values.rest_api_port and values.rest_api_port == values.port:
        parser.error("--rest_api_port cannot be the same as --port")
    if values.batching_parameters_file and not values.enable_batching:
        parser.error("--batching_parameters_file needs --enable_batching")
    return Flags(**{field.name: getattr(values, field.name) for field in fields(Flags)})


def _dashed(word: str) -> str:
    """`--model_name=a_b` as `--model-name=a_b`: the name changes, the value does not."""
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value


def _boolean(word: str) -> bool:
    if word.lower() in ("true", "1"):
        return True
    if word.lower() in ("false", "0"):
        return False
    raise argparse.ArgumentTypeError(f"expected true or false, got {word!r}")


def _port(word: str) -> int:
    if word.isdigit() and int(word) < 65_536:
        return int(word)
    raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, got {word!r}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m serving serve",
        description="Serve SavedModels over TensorFlow Serving's gRPC and REST protocols.",
        allow_abbrev=False,  # an abbreviation could change its meaning when a flag is added
    )
    _add_model_flags(parser.add_argument_group("models"))
    _add_grpc_flags(parser.add_argument_group("gRPC"))
    _add_rest_flags(parser.add_argument_group("REST"))
    _add_running_flags(parser.add_argument_group("running"))
    return parser


def _add_switch(group: argparse._ArgumentGroup, name: str, default: bool, text: str) -> None:
    """A flag that may stand alone or have a value, true or false, as in TensorFlow Serving."""
    group.add_argument(
        name, type=_boolean, nargs="?", const=True, default=default, metavar="BOOL", help=text
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
        type=float,
        default=0,
        help="seconds between reads of the config file; 0: only at start",
    )
    add(
        "--file-system-poll-wait-seconds",
        type=float,
        default=1,
        help="seconds between looks for new versions; 0: only at start (%(default)s)",
    )
    _add_switch(
        group,
        "--allow-version-labels-for-unavailable-models",
        False,
        "let a new label name a version that is not loaded yet",
    )
    _add_switch(
        group,
        "--enable-model-warmup",
        True,
        "replay a version's warm-up requests before serving it",
    )


def _add_grpc_flags(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0: all (%(default)s)")
    add("--port", type=_port, default=contract.GRPC_PORT, help="gRPC port (%(default)s)")
    add("--grpc-socket-path", default="", help="UNIX socket to listen on as well")
    add("--grpc-channel-arguments", default="", help="gRPC options: key=value, comma-separated")
    add("--grpc-max-threads", type=int, default=64, help="requests that run at once (%(default)s)")
    add("--ssl-config-file", default="", help="SSLConfig text proto, with PEM text: TLS")
    _add_switch(group, "--tensor-content", False, "answer with packed numbers, not in *_val fields")


def _add_rest_flags(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--rest-api-port", type=_port, default=0, help="REST port; 0: no REST (%(default)s)")
    add(
        "--rest-api-timeout-in-ms",
        type=int,
        default=30_000,
        help="for a request and its answer (%(default)s)",
    )
    add(
        "--rest-api-num-threads",
        type=int,
        default=4 * (os.cpu_count() or 1),
        help="requests that run at once (%(default)s)",
    )
    _add_switch(
        group,
        "--rest-api-enable-cors-support",
        False,
        "let pages of any site ask: Cross-Origin Resource Sharing",
    )
    add("--monitoring-config-file", default="", help="MonitoringConfig text proto: metrics")


def _add_running_flags(group: argparse._ArgumentGroup) -> None:
    _add_switch(group, "--enable-batching", False, "join requests into batches")
    add = group.add_argument
    add("--batching-parameters-file", default="", help="BatchingParameters text proto")
    add(
        "--max-request-bytes",
        type=int,
        default=contract.MAX_MESSAGE_BYTES,
        help="largest request that is accepted (%(default)s)",
    )
    add(
        "--shutdown-grace-seconds",
        type=float,
        default=30,
        help="time for running requests to finish after SIGTERM (%(default)s)",
    )
