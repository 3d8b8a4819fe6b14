"""Flags that decide how a version is loaded: tags, batching of its own, repeated warm-up."""

import shutil

import grpc
import pytest

from serving.server.servables.servable import Servable
from serving.server.server import BATCHING_FILE
from tests.serving.server_process import ServerThread, floats


@pytest.fixture
def base_path(models, tmp_path):
    """The model `sum`, alone."""
    shutil.copytree(models / "sum" / "1", tmp_path / "sum" / "1")
    return tmp_path / "sum"


def _sum(server, rows: int) -> int:
    inputs = {"a": floats(*range(rows)), "b": floats(*range(rows))}
    return len(server.predict("sum", inputs).outputs["sum"].float_val)


def _server(base_path, *flags: str) -> ServerThread:
    flags = ("--model_name=sum", f"--model_base_path={base_path}", *flags)
    return ServerThread(*flags).wait_until_ready()


def test_a_version_may_have_batching_parameters_of_its_own(base_path):
    flags = ("--enable_batching", "--enable_per_model_batching_parameters")
    (base_path / "1" / BATCHING_FILE).write_text("max_batch_size { value: 2 }")
    server = _server(base_path, *flags)
    try:
        assert _sum(server, 2) == 2
        with pytest.raises(grpc.RpcError, match="larger than maximum input batch size 2"):
            _sum(server, 3)
    finally:
        server.stop()


def test_a_version_without_them_is_not_batched(base_path, tmp_path):
    (tmp_path / "batching.config").write_text("max_batch_size { value: 2 }")
    flags = ("--enable_batching", f"--batching_parameters_file={tmp_path}/batching.config")
    server = _server(base_path, *flags, "--enable_per_model_batching_parameters")
    try:
        assert _sum(server, 3) == 3
    finally:
        server.stop()


def test_tags_choose_the_graph(models):
    Servable(models / "sum" / "1", tags=["serve"]).close()
    with pytest.raises(RuntimeError, match="gpu"):
        Servable(models / "sum" / "1", tags=["serve", "gpu"])


@pytest.mark.parametrize(("iterations", "expected"), [(0, 1), (1, 1), (3, 3)])
def test_warm_up_is_repeated(base_path, monkeypatch, iterations, expected):
    repeated = []
    monkeypatch.setattr(
        "serving.server.server.warm_up", lambda *arguments: repeated.append(arguments[2]) or 0
    )
    server = _server(base_path, f"--num_request_iterations_for_warmup={iterations}")
    server.stop()
    assert repeated == [expected]
