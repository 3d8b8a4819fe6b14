import os

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from tests.serving import drawing_model, toy_models
from tests.serving.page_process import PageProcess
from tests.serving.server_process import ServerProcess, ServerThread

MODEL_CONFIG = """
model_config_list {{
  config {{
    name: "half_plus_two" base_path: "{0}/half_plus_two" model_platform: "tensorflow"
    model_version_policy {{ all {{}} }}
    version_labels {{ key: "stable" value: 1 }}
    version_labels {{ key: "canary" value: 2 }}
  }}
  config {{ name: "sum" base_path: "{0}/sum" }}
  config {{ name: "solid_colour" base_path: "{0}/solid_colour" }}
  config {{ name: "sleeper" base_path: "{0}/sleeper" }}
  config {{ name: "swap" base_path: "{0}/swap" }}
}}
"""
BATCHING = """
max_batch_size { value: 4 }
batch_timeout_micros { value: 50000 }
max_enqueued_batches { value: 2 }
num_batch_threads { value: 1 }
allowed_batch_sizes: [2, 4]
"""
MONITORING = "prometheus_config { enable: true }"


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Toy models: half_plus_two (versions 1 and 2), sum, solid_colour, sleeper, swap."""
    folder = tmp_path_factory.mktemp("models")
    toy_models.export(toy_models.HalfPlus(2.0), folder / "half_plus_two", 1)
    toy_models.export(toy_models.HalfPlus(3.0), folder / "half_plus_two", 2)
    toy_models.export(toy_models.Sum(), folder / "sum", 1)
    solid_colour = toy_models.SolidColour()
    score = solid_colour.score.get_concrete_function()
    toy_models.export(solid_colour, folder / "solid_colour", 1, score=score)
    toy_models.export(toy_models.Sleeper(), folder / "sleeper", 1)
    toy_models.export(toy_models.HalfPlus(1.0), folder / "swap", 1)
    return folder


@pytest.fixture(scope="session")
def server(models, tmp_path_factory):
    """One server of all toy models, without batching."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "models.config").write_text(MODEL_CONFIG.format(models))
    (folder / "monitoring.config").write_text(MONITORING)
    process = ServerProcess(
        folder,
        f"--model_config_file={folder}/models.config",
        f"--monitoring_config_file={folder}/monitoring.config",
        "--file_system_poll_wait_seconds=0.1",
        "--rest_api_timeout_in_ms=3000",
        "--max_request_bytes=1048576",
    )
    try:
        yield process.wait_until_ready()
    finally:
        assert process.stop() == 0


@pytest.fixture(scope="module")
def batching_server(models, tmp_path_factory):
    """A server of the sleeper, with small batches and a short queue."""
    folder = tmp_path_factory.mktemp("batching")
    (folder / "batching.config").write_text(BATCHING)
    process = ServerProcess(
        folder,
        "--model-name=sleeper",
        f"--model-base-path={models / 'sleeper'}",
        "--enable-batching",
        f"--batching-parameters-file={folder}/batching.config",
        "--tensor-content",
        f"--grpc-socket-path={folder}/grpc.sock",
    )
    try:
        yield process.wait_until_ready()
    finally:
        process.stop()


@pytest.fixture(scope="session")
def drawing_models(tmp_path_factory):
    """Base path of a model with the contract's signatures."""
    return drawing_model.export(tmp_path_factory.mktemp("drawing") / "t2i")


@pytest.fixture(scope="session")
def drawing_server(drawing_models):
    """A server of that model, under the name that the contract gives it."""
    server = ServerThread(f"--model-base-path={drawing_models}")
    try:
        yield server.wait_until_ready()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def page(drawing_server, tmp_path_factory):
    """The page in front of that server."""
    process = PageProcess(tmp_path_factory.mktemp("page"), drawing_server.address)
    try:
        yield process.wait_until_ready()
    finally:
        process.stop()
