"""Where the server listens: IPv6, names, ports that it takes itself, sockets; and why it cannot."""

import re
import socket
import urllib.request
from contextlib import contextmanager

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from serving.server import addresses
from serving.server.config.flags import parse
from serving.server.config.text_proto import ConfigError
from serving.server.grpc_api.grpc_server import GrpcServer
from serving.server.grpc_api.health import Health
from serving.server.metrics import Metrics
from serving.server.request_log import RequestLog
from serving.server.rest_api.rest_server import RestServer
from serving.server.servables.manager import Manager
from tests.patience import PATIENCE
from tests.serving.server_process import free_port


def _has_ipv6() -> bool:
    try:
        addresses.close(addresses.listen("::1", 0, "--port"))
    except ConfigError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6")


def _grpc_server(*words: str) -> GrpcServer:
    flags = parse(["--model_base_path=m", *words])
    return GrpcServer(flags, Manager(load=lambda *_: None), RequestLog(Metrics()), Health())


@contextmanager
def _running(*words: str):
    """The names under which a gRPC server says that it listens."""
    server = _grpc_server(*words)
    server.start()
    try:
        yield server.addresses
    finally:
        server.stop(0).wait()


def _answers(name: str) -> bool:
    with grpc.insecure_channel(name) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        not_serving = health_pb2.HealthCheckResponse.NOT_SERVING
        return stub.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE).status == not_serving


@needs_ipv6
@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_grpc_on_one_ipv6_address(host):
    port = free_port()
    with _running(f"--host={host}", f"--port={port}") as names:
        assert names == [f"[::1]:{port}"]
        assert _answers(f"[::1]:{port}")


@needs_ipv6
def test_grpc_on_every_address():
    port = free_port()
    with _running("--host=::", f"--port={port}"):
        assert _answers(f"[::1]:{port}")
        assert _answers(f"127.0.0.1:{port}")


@needs_ipv6
@pytest.mark.parametrize(
    ("host", "clients"),
    [("::1", ["[::1]"]), ("[::1]", ["[::1]"]), ("::", ["[::1]", "127.0.0.1"])],
)
def test_rest_on_ipv6(host, clients):
    flags = parse(["--model_base_path=m", f"--host={host}", f"--rest_api_port={free_port()}"])
    metrics = Metrics()
    server = RestServer(flags, Manager(load=lambda *_: None), RequestLog(metrics), metrics)
    server.start()
    try:
        for client in clients:
            url = f"http://{client}:{flags.rest_api_port}/v1/models/m"
            with pytest.raises(urllib.request.HTTPError, match="404"):
                urllib.request.urlopen(url, timeout=PATIENCE)
    finally:
        server.stop()


def test_a_name_stands_for_all_its_addresses_on_one_port(monkeypatch):
    both = [(0, 0, 0, "", ("127.0.0.1", 0)), (0, 0, 0, "", ("127.0.0.2", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    with _running("--host=both", "--port=0") as names:
        assert [name.rpartition(":")[0] for name in names] == ["127.0.0.1", "127.0.0.2"]
        assert len({name.rpartition(":")[2] for name in names}) == 1
        assert all(_answers(name) for name in names)


@pytest.mark.parametrize("flag", ["--port", "--rest_api_port"])
def test_each_reason_has_an_error_of_its_own(flag):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"127.0.0.1:{port}: the port is in use.*{flag}"):
            addresses.listen("127.0.0.1", port, flag)
    with pytest.raises(ConfigError, match=r"--host no\.such\.invalid is not an address: .*Expect"):
        addresses.listen("no.such.invalid", 0, flag)
    with pytest.raises(ConfigError, match="--host is not an address of this machine"):
        addresses.listen("192.0.2.1", 0, flag)
    with pytest.raises(ConfigError, match="it is empty"):
        addresses.listen("", 0, flag)


def test_port_0_takes_a_free_port_and_says_which():
    with _running("--port=0") as (name,):
        assert re.fullmatch(r"127\.0\.0\.1:[1-9]\d+", name)
        assert _answers(name)


def test_port_0_beside_a_socket_means_no_tcp(tmp_path):
    with _running("--port=0", f"--grpc_socket_path={tmp_path}/s") as names:
        assert names == [f"unix:{tmp_path}/s"]
        assert _answers(names[0])


def test_a_socket_in_use_is_refused_and_goes_on_answering(tmp_path):
    path = f"--grpc_socket_path={tmp_path}/s"
    with _running("--port=0", path) as (name,):
        with pytest.raises(ConfigError, match="s is in use by another server"):
            _grpc_server("--port=0", path)
        assert _answers(name)


def test_the_socket_of_a_server_that_was_killed_is_used_again(tmp_path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(f"{tmp_path}/s")
    with _running("--port=0", f"--grpc_socket_path={tmp_path}/s") as (name,):
        assert _answers(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("file", "not a socket"), ("absent/s", "no folder"), ("x" * 120, "107 bytes")],
)
def test_a_path_that_cannot_be_a_socket(tmp_path, name, reason):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(ConfigError, match=reason):
        _grpc_server("--port=0", f"--grpc_socket_path={tmp_path}/{name}")
    assert (tmp_path / "file").read_text() == "kept"
