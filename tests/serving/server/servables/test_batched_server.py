"""A batching server: joined requests, a full queue, and running requests at SIGTERM.

The tests run in this order; the last one ends the server.
"""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np

from tests.patience import PATIENCE
from tests.serving.server_process import floats


def _outcome(server, value: float) -> str:
    try:
        response = server.predict("sleeper", {"x": floats(value)})
    except grpc.RpcError as error:
        return error.code().name
    assert _array(response, "y", np.float32) == [value]
    return "OK"


def _array(response, name: str, dtype) -> list:
    """The values of an output, which `--tensor_content` packs."""
    return np.frombuffer(response.outputs[name].tensor_content, dtype).tolist()


def test_requests_are_joined_and_padded_to_an_allowed_size(batching_server):
    alone = batching_server.predict("sleeper", {"x": floats(7)})
    assert _array(alone, "size", np.int32) == [2]
    with ThreadPoolExecutor(3) as pool:
        ask = lambda value: batching_server.predict("sleeper", {"x": floats(value)})  # noqa: E731
        together = list(pool.map(ask, [1, 2, 3]))
    assert [_array(response, "y", np.float32) for response in together] == [[1], [2], [3]]
    assert 4 in {_array(response, "size", np.int32)[0] for response in together}


def test_a_request_that_cannot_be_batched_is_refused(batching_server):
    assert batching_server.failure("sleeper", {"x": np.float32(1)})[0] == "INVALID_ARGUMENT"
    code, text = batching_server.failure("sleeper", {"x": floats(*range(5))})
    assert code == "INVALID_ARGUMENT"
    assert text == "Task size 5 is larger than maximum input batch size 4"


def test_a_full_queue_answers_unavailable(batching_server):
    with ThreadPoolExecutor(24) as pool:
        outcomes = Counter(pool.map(lambda value: _outcome(batching_server, value), range(24)))
    assert set(outcomes) == {"OK", "UNAVAILABLE"}
    assert outcomes["OK"] >= 8


def test_a_unix_socket_answers_too(batching_server):
    path = batching_server.log_path.parent / "grpc.sock"
    with grpc.insecure_channel(f"unix:{path}") as channel:
        grpc.channel_ready_future(channel).result(PATIENCE)


def test_sigterm_under_load_answers_what_it_accepted(batching_server):
    outcomes: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            outcomes.append(_outcome(batching_server, 1.0))
            stop.wait(0.01)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    stop.wait(0.5)
    batching_server.terminate()
    exit_status = batching_server.process.wait(PATIENCE)
    stop.set()
    for thread in threads:
        thread.join()
    assert exit_status == 0
    assert set(outcomes) == {"OK", "UNAVAILABLE"}
    assert "Traceback" not in batching_server.log()
