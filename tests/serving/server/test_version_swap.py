"""Versions come and go under load: no request fails, and no client goes back to an older one."""

import threading
import time

from tests.serving import toy_models
from tests.serving.server_process import floats

CLIENTS = 8
SECONDS = 0.4  # of load between the events


def _ask(server, stop: threading.Event, seen: list[int], errors: list[Exception]) -> None:
    while not stop.is_set():
        try:
            response = server.predict("swap", {"x": floats(0)})
        except Exception as error:
            errors.append(error)
            return
        version = response.model_spec.version.value
        assert response.outputs["y"].float_val == [version]
        seen.append(version)


def test_version_2_replaces_1_and_a_corrupt_3_replaces_nothing(server, models):
    toy_models.export(toy_models.HalfPlus(2.0), models / "prepared", 2)
    stop, errors = threading.Event(), []
    seen: list[list[int]] = [[] for _ in range(CLIENTS)]
    threads = [threading.Thread(target=_ask, args=(server, stop, s, errors)) for s in seen]
    for thread in threads:
        thread.start()
    try:
        time.sleep(SECONDS)
        (models / "prepared" / "2").rename(models / "swap" / "2")
        server.wait_for_states("swap", {2: "AVAILABLE", 1: "END"})
        time.sleep(SECONDS)
        toy_models.export_corrupt(models / "swap", 3)
        server.wait_for_states("swap", {3: "END", 2: "AVAILABLE", 1: "END"})
        time.sleep(SECONDS)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    print(sum(map(len, seen)), "requests")
    assert not errors
    assert all(versions == sorted(versions) for versions in seen)
    assert {version for versions in seen for version in versions} == {1, 2}
    status, answer = server.rest("/v1/models/swap/versions/3")
    failed = answer["model_version_status"][0]["status"]
    assert (status, failed["error_code"]) == (200, "DATA_LOSS")
    assert str(models) not in failed["error_message"]
    assert server.is_serving()


def test_a_repaired_version_is_loaded(server, models):
    (models / "swap" / "3" / "saved_model.pb").rename(models / ".broken")
    (models / "swap" / "3").rename(models / ".3")
    toy_models.export(toy_models.HalfPlus(3.0), models / "swap", 3)
    server.wait_for_states("swap", {3: "AVAILABLE", 2: "END", 1: "END"})
    assert server.predict("swap", {"x": floats(0)}).outputs["y"].float_val == [3.0]
