"""New configurations under load: labels and versions move without a lost request, or not at all."""

import itertools
import threading

import grpc
import pytest
from google.protobuf import text_format
from tensorflow_serving.apis import model_management_pb2

from serving.server.config.flags import parse
from serving.server.config.text_proto import ConfigError
from serving.server.servables.servable import Servable
from serving.server.server import run
from tests.patience import PATIENCE
from tests.serving import toy_models
from tests.serving.server_process import ServerThread, floats, free_port

CLIENTS = 16
SWAPS = 4  # each way


def _config(folder, versions, stable=None, base="half") -> str:
    numbers = " ".join(f"versions: {number}" for number in versions)
    label = f'version_labels {{ key: "stable" value: {stable} }}' if stable else ""
    return (
        f'model_config_list {{ config {{ name: "half" base_path: "{folder}/{base}" '
        f"model_version_policy {{ specific {{ {numbers} }} }} {label} }} }}"
    )


def _reload(server, config: str) -> str:
    """OK, or status and text of the refusal."""
    request = model_management_pb2.ReloadConfigRequest()
    text_format.Parse(config, request.config)
    try:
        server.models.HandleReloadConfigRequest(request, timeout=PATIENCE)
    except grpc.RpcError as error:
        return f"{error.code().name} {error.details()}"
    return "OK"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Versions 1 and 2 of the model `half`, and a damaged version 3."""
    folder = tmp_path_factory.mktemp("reload")
    for version in (1, 2):
        toy_models.export(toy_models.HalfPlus(float(version)), folder / "half", version)
    toy_models.export_corrupt(folder / "half", 3)
    (folder / "empty").mkdir()
    return folder


@pytest.fixture
def server(folder, tmp_path):
    (tmp_path / "models.config").write_text(_config(folder, [1], 1))
    server = ServerThread(f"--model_config_file={tmp_path}/models.config")
    yield server.wait_until_ready()
    server.stop()


class Load:
    """Clients that ask without a pause, and what they were answered."""

    def __init__(self, server, **choice):
        self.errors: list[str] = []
        self.answers = itertools.count()
        self._stop = threading.Event()
        arguments = (server, choice)
        self._threads = [threading.Thread(target=self._ask, args=arguments) for _ in range(CLIENTS)]

    def _ask(self, server, choice) -> None:
        while not self._stop.is_set():
            try:
                server.predict("half", {"x": floats(0)}, outputs=("y",), **choice)
                next(self.answers)
            except grpc.RpcError as error:
                self.errors.append(f"{error.code().name} {error.details()}")

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def _stable(server) -> int:
    return server.predict("half", {"x": floats(0)}, label="stable").model_spec.version.value


def test_a_label_moves_both_ways_in_one_step_without_a_lost_request(server, folder):
    with Load(server, label="stable") as load:
        for version in [2, 1] * SWAPS:
            assert _reload(server, _config(folder, [version], version)) == "OK"
            assert _stable(server) == version
    assert load.errors == []


def test_a_label_moves_in_the_two_documented_steps_without_a_lost_request(server, folder):
    with Load(server, label="stable") as load:
        for old, new in [(1, 2), (2, 1)] * SWAPS:
            assert _reload(server, _config(folder, [1, 2], old)) == "OK"
            assert _reload(server, _config(folder, [new], new)) == "OK"
    assert load.errors == []


def test_versions_replace_each_other_without_a_lost_request(server, folder):
    with Load(server) as load:
        for version in [2, 1] * SWAPS:
            assert _reload(server, _config(folder, [version])) == "OK"
    assert load.errors == []


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (([2], 9), "version 9 of model half, which is not currently available"),
        (([2], 2, "mistyped"), "Is base_path mistyped?"),
        (([2], 2, "empty"), "no version to serve was found"),
        (([8], None), "no version to serve was found"),
        (([3], None), "loading failed"),
        (([3], 3), "loading failed"),
        (([2, 3], 3), "version 3 of model half, which is not currently available"),
    ],
)
def test_a_refused_configuration_changes_nothing(server, folder, config, reason):
    with Load(server, label="stable") as load:
        assert reason in _reload(server, _config(folder, *config))
        assert _stable(server) == 1
        assert server.predict("half", {"x": floats(0)}).model_spec.version.value == 1
    assert load.errors == []
    assert _reload(server, _config(folder, [2], 2)) == "OK"


def test_one_wrong_model_refuses_the_whole_configuration(server, folder):
    other = f'config {{ name: "b" base_path: "{folder}/absent" }} }}'
    config = _config(folder, [2], 2).removesuffix("}") + other
    assert "INVALID_ARGUMENT" in _reload(server, config)
    assert _stable(server) == 1
    assert server.states("half") == {1: "AVAILABLE"}


def test_a_labelled_version_stays_until_its_label_moves(server, folder):
    assert _reload(server, _config(folder, [1, 2], 1)) == "OK"
    assert _reload(server, _config(folder, [2], 1)) == "OK"
    assert _stable(server) == 1
    assert _reload(server, _config(folder, [2], 2)) == "OK"
    server.wait_for_states("half", {2: "AVAILABLE", 1: "END"})


def test_a_new_version_is_ready_for_what_clients_asked_of_the_old_one(server, folder, monkeypatch):
    server.predict("half", {"x": floats(0)}, outputs=("y",))
    made, make = [], Servable._make_callable

    def counted(self, selection):
        made.append((self.path.name, selection))
        return make(self, selection)

    monkeypatch.setattr(Servable, "_make_callable", counted)
    assert _reload(server, _config(folder, [2])) == "OK"
    assert made == [("2", ("serving_default", ("y",)))]  # before anybody asked version 2 for it


def test_at_the_start_a_label_needs_its_version_or_the_flag(folder, tmp_path):
    path = tmp_path / "models.config"
    path.write_text(_config(folder, [1], 9))
    flag = f"--model_config_file={path}"
    with pytest.raises(ConfigError, match="version 9 of model half"):
        run(parse([f"--port={free_port()}", flag]), threading.Event())
    server = ServerThread(flag, "--allow_version_labels_for_unavailable_models=true")
    try:
        server.wait_until_ready()
        assert server.failure("half", {"x": floats(0)}, label="stable")[0] == "NOT_FOUND"
        assert _reload(server, _config(folder, [1], 2)).startswith("FAILED_PRECONDITION")
    finally:
        server.stop()
