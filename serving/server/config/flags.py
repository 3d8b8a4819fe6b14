"""The server's flags, by TensorFlow Serving's names. Imports no TensorFlow: `--help` is quick."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields

from serving import contract


@dataclass(frozen=True)
class Flags:
    """What the command line said. Field names are the flags' names."""

    model_name: str
    model_base_path: str
    model_config_file: str
    model_config_file_poll_wait_seconds: float
    file_system_poll_wait_seconds: float
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
    enable_batching: bool
    batching_parameters_file: str
    monitoring_config_file: str
    tensor_content: bool
    max_request_bytes: int
    shutdown_grace_seconds: float


def parse(argv: Sequence[str] | None = None) -> Flags:
    """Flags of a command line; `--model_name` is `--model-name`. Exits with 2 on misuse."""
    parser = _parser()
    given = parser.parse_args([_dashed(word) for word in (sys.argv[1:] if argv is None else argv)])
    if bool(given.model_base_path) == bool(given.model_config_file):
        parser.error("give either --model_base_path or --model_config_file")
    if given.rest_api_port and given.rest_api_port == given.port:
        parser.error("--rest_api_port cannot be the same as --port")
    if given.batching_parameters_file and not given.enable_batching:
        parser.error("--batching_parameters_file needs --enable_batching")
    return Flags(**{field.name: getattr(given, field.name) for field in fields(Flags)})


def _dashed(word: str) -> str:
    """`--model_name=a_b` as `--model-name=a_b`: only the flag's own name changes."""
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
        allow_abbrev=False,
    )
    _add_model_flags(parser.add_argument_group("models"))
    _add_grpc_flags(parser.add_argument_group("gRPC"))
    _add_rest_flags(parser.add_argument_group("REST"))
    _add_running_flags(parser.add_argument_group("running"))
    return parser


def _add_switch(group: argparse._ArgumentGroup, name: str, default: bool, text: str) -> None:
    """A flag that may stand alone or be given true or false, as TensorFlow Serving's may."""
    group.add_argument(
        name, type=_boolean, nargs="?", const=True, default=default, metavar="BOOL", help=text
    )


def _add_model_flags(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--model-name", default=contract.MODEL_NAME, help="name of the model (%(default)s)")
    add("--model-base-path", default="", help="folder that holds the numbered versions")
    add("--model-config-file", default="", help="ModelServerConfig text proto: many models, labels")
    add(
        "--model-config-file-poll-wait-seconds",
        type=float,
        default=0,
        help="read the config file again this often; 0: only at start",
    )
    add(
        "--file-system-poll-wait-seconds",
        type=float,
        default=1,
        help="look for new versions this often; 0: only at start (%(default)s)",
    )
    _add_switch(
        group, "--enable-model-warmup", True, "replay assets.extra's requests before serving"
    )


def _add_grpc_flags(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for all (%(default)s)")
    add("--port", type=_port, default=contract.GRPC_PORT, help="gRPC port (%(default)s)")
    add("--grpc-socket-path", default="", help="listen on this UNIX socket too")
    add("--grpc-channel-arguments", default="", help="key=value, comma separated")
    add("--grpc-max-threads", type=int, default=64, help="requests in work at once (%(default)s)")
    add("--ssl-config-file", default="", help="SSLConfig text proto, holding PEM text")
    _add_switch(group, "--tensor-content", False, "answer numbers packed, not in *_val fields")


def _add_rest_flags(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--rest-api-port", type=_port, default=0, help="REST port; 0: no REST (%(default)s)")
    add("--rest-api-timeout-in-ms", type=int, default=30_000, help="per request (%(default)s)")
    add("--rest-api-num-threads", type=int, default=4 * (os.cpu_count() or 1), help="(%(default)s)")
    add("--monitoring-config-file", default="", help="MonitoringConfig text proto: metrics")


def _add_running_flags(group: argparse._ArgumentGroup) -> None:
    _add_switch(group, "--enable-batching", False, "join requests into batches")
    add = group.add_argument
    add("--batching-parameters-file", default="", help="BatchingParameters text proto")
    add(
        "--max-request-bytes",
        type=int,
        default=contract.MAX_MESSAGE_BYTES,
        help="larger ones are refused (%(default)s)",
    )
    add(
        "--shutdown-grace-seconds",
        type=float,
        default=30,
        help="on SIGTERM, time for running requests to finish (%(default)s)",
    )
