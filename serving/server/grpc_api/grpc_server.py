"""The gRPC server: its services, ports, options and TLS."""

import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from serving.server import addresses
from serving.server.config.flag_values import MAX_INT32, whole_number
from serving.server.config.flags import Flags
from serving.server.config.messages import SSLConfig
from serving.server.config.text_proto import ConfigError, read_text_proto
from serving.server.grpc_api.draining import Turnstile
from serving.server.grpc_api.health import SERVICES, Health
from serving.server.grpc_api.model_service import ModelService
from serving.server.grpc_api.prediction_service import PredictionService
from serving.server.request_log import RequestLog
from serving.server.servables.manager import Manager

_UNUSABLE = (
    "its PEM texts are damaged or do not belong together. Expected server_key to be the key of "
    "server_cert, and custom_ca, where there is one, to be certificates."
)


class GrpcServer:
    """Bound to its addresses when it is made; answers from `start` to `stop`. Raises ConfigError.

    Args:
        flags: Addresses, TLS, threads, limits.
        manager: The served models.
        request_log: Where requests are recorded.
        health_state: What the health service answers.
    """

    def __init__(
        self, flags: Flags, manager: Manager, request_log: RequestLog, health_state: Health
    ):
        threads = ThreadPoolExecutor(flags.grpc_max_threads, thread_name_prefix="grpc")
        self._turnstile = Turnstile()
        self._server = grpc.server(threads, interceptors=[self._turnstile], options=_options(flags))
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionService(manager, request_log, flags.enable_serialization_as_tensor_content),
            self._server,
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            ModelService(manager, request_log), self._server
        )
        health_pb2_grpc.add_HealthServicer_to_server(health_state.servicer, self._server)
        names = (*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
        self.addresses = _bind(self._server, flags)
        """Where it listens, to be shown."""

    def start(self) -> None:
        """Start answering requests."""
        self._server.start()

    def stop(self, grace: float) -> threading.Event:
        """Refuse new requests; returns without waiting for those that run.

        Returns:
            An event that is set once the running requests have ended, after `grace` seconds at the
            latest.
        """
        return self._turnstile.stop(self._server, grace)


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
        number = whole_number(value)
        if number is not None and not -MAX_INT32 <= number <= MAX_INT32:
            raise ConfigError(
                f"--grpc_channel_arguments: expected a number of 32 bits, got {pair!r}"
            )
        options.append((key, value if number is None else number))
    return options


def _bind(server: grpc.Server, flags: Flags) -> list[str]:
    """Bind every address, and return them with their ports. Raises ConfigError."""
    encryption = credentials(flags.ssl_config_file) if flags.ssl_config_file else None
    # With a socket, --port=0 means no TCP, as in TensorFlow Serving.
    tcp = _free_addresses(flags) if flags.port or not flags.grpc_socket_path else []
    if flags.grpc_socket_path:
        addresses.check_socket_path(flags.grpc_socket_path)
    names = [*map(str, tcp), *[f"unix:{path}" for path in [flags.grpc_socket_path] if path]]
    for name in names:
        try:
            if encryption:
                server.add_secure_port(name, encryption)
            else:
                server.add_insecure_port(name)
        except RuntimeError as error:
            # gRPC does not say why. TCP addresses were tried before: with TLS, it is that.
            reason = f" with {flags.ssl_config_file}: {_UNUSABLE}" if encryption else ""
            raise ConfigError(f"Cannot listen on {name}{reason}") from error
    return names


def _free_addresses(flags: Flags) -> list[addresses.Address]:
    """The addresses to bind. gRPC says that it cannot bind one, but not why: so they are tried."""
    sockets = addresses.listen(flags.host, flags.port, "--port")
    found = [addresses.bound(each) for each in sockets]
    addresses.close(sockets)
    return found


def credentials(path: str) -> grpc.ServerCredentials:
    """TLS from an SSLConfig, which holds PEM text and not paths. Raises ConfigError."""
    config = read_text_proto(path, SSLConfig())
    if not config.server_key or not config.server_cert:
        raise ConfigError(f"{path}: server_key and server_cert must both hold PEM text")
    for name in ("server_key", "server_cert", "custom_ca"):
        text = getattr(config, name)
        if text and "-----BEGIN " not in text:
            raise ConfigError(
                f"{path}: {name} must hold PEM text, with a line -----BEGIN, and not a path"
            )
    if config.client_verify and not config.custom_ca:
        raise ConfigError(
            f"{path}: client_verify needs custom_ca, the authority of the clients' certificates"
        )
    return grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        root_certificates=config.custom_ca.encode() or None,
        require_client_auth=config.client_verify,
    )
