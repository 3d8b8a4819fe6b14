"""SIGTERM under load: first not ready, then refused; what was accepted is answered."""

import threading
import time
import urllib.error
import urllib.request
from collections import Counter

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import prediction_service_pb2_grpc

from tests.patience import PATIENCE
from tests.serving.server_process import ServerThread, floats, request

CLIENTS = 30
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
BATCHING = """
max_batch_size { value: 16 } batch_timeout_micros { value: 2000 }
max_enqueued_batches { value: 100 } num_batch_threads { value: 2 }
"""


@pytest.fixture
def start(models, tmp_path):
    """Starts a batching server with more flags."""
    (tmp_path / "batching.config").write_text(BATCHING)
    (tmp_path / "models.config").write_text(
        f'model_config_list {{ config {{ name: "half_plus_two" base_path: "{models}/half_plus_two" '
        f'}} config {{ name: "sleeper" base_path: "{models}/sleeper" }} }}'
    )

    def start(*flags: str) -> ServerThread:
        files = [f"--batching_parameters_file={tmp_path}/batching.config", "--enable_batching"]
        config = f"--model_config_file={tmp_path}/models.config"
        return ServerThread(config, *files, *flags).wait_until_ready()

    return start


class Load:
    """Clients with a connection each that ask without a pause, until they are refused."""

    def __init__(self, server):
        self.outcomes: Counter[str] = Counter()
        self._server = server
        self._asking = threading.Barrier(CLIENTS + 1)
        self._threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()
        self._asking.wait(PATIENCE)

    def _ask(self) -> None:
        message = request("half_plus_two", {"x": floats(0, 1, 2, 3)})
        option = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(self._server.address, option) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            stub.Predict(message, timeout=PATIENCE, wait_for_ready=True)
            self._asking.wait(PATIENCE)
            while True:
                try:
                    stub.Predict(message, timeout=PATIENCE)
                except grpc.RpcError as error:
                    self.outcomes[error.code().name] += 1
                    return
                self.outcomes["OK"] += 1

    def join(self) -> Counter[str]:
        for thread in self._threads:
            thread.join(PATIENCE)
        return self.outcomes


def test_no_request_is_cancelled_by_a_server_that_stops(start):
    server = start()
    load = Load(server)
    time.sleep(0.5)
    server.stop()
    outcomes = load.join()
    assert outcomes["UNAVAILABLE"] == CLIENTS
    assert set(outcomes) == {"OK", "UNAVAILABLE"}


def test_between_not_serving_and_the_closed_port_requests_are_answered(start):
    server = start("--shutdown_delay_seconds=1")
    states: list[int] = []
    watching = health_pb2_grpc.HealthStub(server.channel).Watch(health_pb2.HealthCheckRequest())
    watcher = threading.Thread(target=lambda: states.extend(s.status for s in watching))
    watcher.start()
    while not states:
        time.sleep(0.01)
    stopping = threading.Thread(target=server.stop)
    start_time = time.monotonic()
    stopping.start()
    while server.is_serving():
        assert time.monotonic() - start_time < 1
    answer = server.predict("half_plus_two", {"x": floats(1)})
    assert answer.outputs["y"].float_val == [3.5]
    assert server.rest("/v1/models/half_plus_two:predict", {"instances": [1.0]})[0] == 200
    stopping.join(PATIENCE)
    assert 1 < time.monotonic() - start_time < 10  # it does not wait for the one who watches
    watcher.join(PATIENCE)
    assert states == [health_pb2.HealthCheckResponse.SERVING, NOT_SERVING]


def test_rest_answers_what_it_accepted(start):
    server = start()
    statuses: list[int] = []

    def ask() -> None:
        url = f"http://127.0.0.1:{server.rest_port}/v1/models/sleeper:predict"
        try:
            with urllib.request.urlopen(url, b'{"instances": [1.0]}', timeout=PATIENCE) as response:
                statuses.append(response.status)
        except urllib.error.HTTPError as error:
            statuses.append(error.code)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    time.sleep(0.15)
    server.stop()
    for thread in threads:
        thread.join(PATIENCE)
    assert statuses == [200] * 12
