"""The gRPC server: its services, ports, options and TLS."""

from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from serving.server.config.flags import Flags
from serving.server.config.messages import SSLConfig
from serving.server.config.text_proto import ConfigError, read_text_proto
from serving.server.grpc_api.health import SERVICES, Health
from serving.server.grpc_api.model_service import ModelService
from serving.server.grpc_api.prediction_service import PredictionService
from serving.server.request_log import RequestLog
from serving.server.servables.manager import Manager


def build(
    flags: Flags, manager: Manager, request_log: RequestLog, health_state: Health
) -> grpc.Server:
    """A server that is bound to its ports and not started yet. Raises ConfigError."""
    threads = ThreadPoolExecutor(flags.grpc_max_threads, thread_name_prefix="grpc")
    server = grpc.server(threads, options=_options(flags))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(manager, request_log, flags.tensor_content), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(
        ModelService(manager, request_log), server
    )
    health_pb2_grpc.add_HealthServicer_to_server(health_state.servicer, server)
    names = (*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
    _bind(server, flags)
    return server


def _options(flags: Flags) -> list[tuple[str, int | str]]:
    return [
        # By default two servers may bind the same port, and each would get half of the requests.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", flags.max_request_bytes),
        *channel_arguments(flags.grpc_channel_arguments),
    ]


def channel_arguments(text: str) -> list[tuple[str, int | str]]:
    """`a=1,b=x` as gRPC options, whole numbers as ints. Raises ConfigError."""
    options = []
    for pair in filter(None, text.split(",")):
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise ConfigError(f"--grpc_channel_arguments: expected key=value, got {pair!r}")
        options.append((key, int(value) if value.lstrip("-").isdecimal() else value))
    return options


def _bind(server: grpc.Server, flags: Flags) -> None:
    address = f"{flags.host}:{flags.port}"
    try:
        if flags.ssl_config_file:
            server.add_secure_port(address, credentials(flags.ssl_config_file))
        else:
            server.add_insecure_port(address)
        if flags.grpc_socket_path:
            server.add_insecure_port(f"unix:{flags.grpc_socket_path}")
    except RuntimeError as error:
        socket = f" or {flags.grpc_socket_path}" if flags.grpc_socket_path else ""
        raise ConfigError(f"Cannot listen on {address}{socket}: is it in use?") from error


def credentials(path: str) -> grpc.ServerCredentials:
    """TLS from an SSLConfig, which holds PEM text and not paths. Raises ConfigError."""
    config = read_text_proto(path, SSLConfig())
    if not config.server_key or not config.server_cert:
        raise ConfigError(f"{path}: server_key and server_cert must both hold PEM text")
    if config.client_verify and not config.custom_ca:
        raise ConfigError(
            f"{path}: client_verify needs custom_ca, the authority of the clients' certificates"
        )
    return grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        root_certificates=config.custom_ca.encode() or None,
        require_client_auth=config.client_verify,
    )
