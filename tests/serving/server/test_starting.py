"""Flags and files that the server cannot start with, and TLS."""

import shutil
import socket
import subprocess
import threading
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from serving.server.config.flags import parse
from serving.server.config.text_proto import ConfigError
from serving.server.grpc_api import grpc_server
from serving.server.grpc_api.health import Health
from serving.server.metrics import Metrics
from serving.server.request_log import RequestLog
from serving.server.servables.manager import Manager
from serving.server.server import run
from tests.patience import PATIENCE
from tests.serving.server_process import free_port


def _start(*words: str) -> None:
    run(parse([f"--port={free_port()}", *words]), threading.Event())


def test_a_missing_folder(tmp_path):
    with pytest.raises(ConfigError, match="absent is not a folder"):
        _start(f"--model_base_path={tmp_path}/absent")


@pytest.mark.parametrize("flag", ["--port", "--rest_api_port"])
def test_a_port_in_use_is_an_error_and_never_shared(tmp_path, flag):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"Cannot listen on 127.0.0.1:{port}"):
            _start(f"--model_base_path={tmp_path}", f"{flag}={port}")


def test_two_models_of_one_name(tmp_path):
    model = f'config {{ name: "a" base_path: "{tmp_path}" }}'
    (tmp_path / "models.config").write_text(f"model_config_list {{ {model} {model} }}")
    with pytest.raises(ConfigError, match="a name of its own"):
        _start(f"--model_config_file={tmp_path}/models.config")


def test_channel_arguments():
    assert grpc_server.channel_arguments("a=1,b=x") == [("a", 1), ("b", "x")]
    with pytest.raises(ConfigError):
        grpc_server.channel_arguments("a")
    with pytest.raises(ConfigError, match="a number of 32 bits, got 'a=2147483648'"):
        grpc_server.channel_arguments("a=2147483648")


def test_a_version_in_place_of_its_base_path(tmp_path):
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(ConfigError, match=r"is a single SavedModel\. .* the one above"):
        _start(f"--model_base_path={tmp_path}")


def test_a_base_path_that_is_no_path(tmp_path):
    model = 'config { name: "a" base_path: "b\\000c" }'
    (tmp_path / "models.config").write_text(f"model_config_list {{ {model} }}")
    with pytest.raises(ConfigError, match="Model a: its base path has a NUL"):
        _start(f"--model_config_file={tmp_path}/models.config")


def _make_certificate(folder: Path) -> tuple[bytes, bytes]:
    """A key and a self-signed certificate of localhost, its own authority."""
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    command += " -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True, timeout=PATIENCE)
    return (folder / "key.pem").read_bytes(), (folder / "cert.pem").read_bytes()


def _write_ssl_config(folder: Path, key: bytes, certificate: bytes) -> Path:
    pem = {"server_key": key, "server_cert": certificate, "custom_ca": certificate}
    lines = [f'{name}: "{text.decode()}"'.replace("\n", "\\n") for name, text in pem.items()]
    path = folder / "ssl.config"
    path.write_text("\n".join([*lines, "client_verify: true"]))
    return path


def _status(port: int, credentials: grpc.ChannelCredentials) -> int:
    with grpc.secure_channel(f"localhost:{port}", credentials) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        return stub.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE).status


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")
def test_mutual_tls(tmp_path):
    key, certificate = _make_certificate(tmp_path)
    port, config = free_port(), _write_ssl_config(tmp_path, key, certificate)
    words = [f"--port={port}", "--model_base_path=m", f"--ssl_config_file={config}"]
    words.append(f"--grpc_socket_path={tmp_path}/s")
    health = Health()
    manager = Manager(load=None)
    server = grpc_server.GrpcServer(parse(words), manager, RequestLog(Metrics()), health)
    server.start()
    try:
        known = grpc.ssl_channel_credentials(certificate, key, certificate)
        assert _status(port, known) == health_pb2.HealthCheckResponse.NOT_SERVING
        with pytest.raises(grpc.RpcError):
            _status(port, grpc.ssl_channel_credentials(certificate))
        with grpc.insecure_channel(f"unix:{tmp_path}/s") as plain, pytest.raises(grpc.RpcError):
            stub = health_pb2_grpc.HealthStub(plain)
            stub.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE)
    finally:
        server.stop(0).wait()


def test_an_ssl_config_without_a_key(tmp_path):
    path = tmp_path / "ssl.config"
    path.write_text('server_cert: "x"')
    with pytest.raises(ConfigError, match="server_key and server_cert"):
        grpc_server.credentials(str(path))


def test_an_ssl_config_with_a_path(tmp_path):
    config = _write_ssl_config(tmp_path, b"/etc/key.pem", b"/etc/cert.pem")
    with pytest.raises(ConfigError, match=r"server_key must hold PEM text.* not a path"):
        grpc_server.credentials(str(config))


def test_pem_text_that_is_damaged_is_not_taken_for_a_port_in_use(tmp_path):
    pem = b"-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----"
    config = _write_ssl_config(tmp_path, pem, pem)
    flags = parse(["--port=0", "--model_base_path=m", f"--ssl_config_file={config}"])
    with pytest.raises(ConfigError, match=f"with {config}: its PEM texts are damaged"):
        grpc_server.GrpcServer(flags, Manager(load=None), RequestLog(Metrics()), Health())
