"""Servers on free ports of this machine: in a process of their own, or in a thread of the tests."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import grpc
import numpy as np
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving.server.config.flags import parse
from serving.server.server import run
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]
STATES = get_model_status_pb2.ModelVersionStatus.State


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class RunningServer:
    """Two ports, and requests to whatever listens there."""

    def __init__(self):
        self.port, self.rest_port = free_port(), free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.flags = [
            f"--port={self.port}",
            f"--rest_api_port={self.rest_port}",
            "--shutdown_delay_seconds=0",
        ]
        self.channel = grpc.insecure_channel(self.address)
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)
        self.health = health_pb2_grpc.HealthStub(self.channel)

    def is_running(self) -> bool:
        raise NotImplementedError

    def log(self) -> str:
        return ""

    def wait_until_ready(self, seconds: float = PATIENCE):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.is_running():
                raise AssertionError(f"The server ended:\n{self.log()}")
            if self.is_serving():
                return self
            time.sleep(0.05)
        raise AssertionError(f"The server is not ready:\n{self.log()}")

    def is_serving(self, service: str = "") -> bool:
        try:
            request = health_pb2.HealthCheckRequest(service=service)
            return self.health.Check(request, timeout=2).status == 1
        except grpc.RpcError:
            return False

    def predict(self, model: str, inputs: dict, timeout: float = PATIENCE, **options):
        return self.prediction.Predict(request(model, inputs, **options), timeout=timeout)

    def failure(self, model: str, inputs: dict, **options) -> tuple[str, str]:
        """Status and text of a request that must fail."""
        try:
            self.predict(model, inputs, **options)
        except grpc.RpcError as error:
            return error.code().name, error.details()
        raise AssertionError("The request did not fail")

    def states(self, model: str) -> dict[int, str]:
        query = get_model_status_pb2.GetModelStatusRequest()
        query.model_spec.name = model
        statuses = self.models.GetModelStatus(query, timeout=PATIENCE).model_version_status
        return {s.version: STATES.Name(s.state) for s in statuses}

    def wait_for_states(
        self, model: str, expected: dict[int, str], seconds: float = PATIENCE
    ) -> None:
        deadline = time.monotonic() + seconds
        while (states := self.states(model)) != expected:
            assert time.monotonic() < deadline, f"{states} is not {expected}\n{self.log()}"
            time.sleep(0.05)

    def rest(self, path: str, body: object = None, method: str | None = None) -> tuple[int, object]:
        """HTTP status and JSON; `body` is sent as JSON, or as it is where it is bytes."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.rest_port}{path}"
        query = urllib.request.Request(url, data, method=method)
        try:
            with urllib.request.urlopen(query, timeout=PATIENCE) as response:
                return response.status, _decoded(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _decoded(error)


class ServerProcess(RunningServer):
    """A process of its own, stopped by its own id: for start, log, memory, signals, exit codes."""

    def __init__(self, folder: Path, *flags: str):
        super().__init__()
        self.log_path = folder / "server.log"
        command = [sys.executable, "-m", "serving.server.serve", *self.flags, *flags]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    def is_running(self) -> bool:
        return self.process.poll() is None

    def log(self) -> str:
        return self.log_path.read_text()

    def resident_kib(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def terminate(self) -> None:
        os.kill(self.process.pid, signal.SIGTERM)

    def stop(self) -> int:
        if self.is_running():
            self.terminate()
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.channel.close()
            if self.is_running():
                self.process.kill()


class ServerThread(RunningServer):
    """A thread of this process, which has TensorFlow: where the process is not the subject."""

    def __init__(self, *flags: str):
        super().__init__()
        self._stop = threading.Event()
        arguments = parse([*self.flags, *flags]), self._stop
        self._thread = threading.Thread(target=run, args=arguments, daemon=True)
        self._thread.start()

    def is_running(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)
        self.channel.close()
        assert not self.is_running()


def _decoded(response) -> object:
    text = response.read().decode()
    return json.loads(text) if response.headers.get_content_type().endswith("json") else text


def request(
    model: str,
    inputs: dict,
    signature: str = "",
    version: int | None = None,
    label: str = "",
    outputs: tuple[str, ...] = (),
) -> predict_pb2.PredictRequest:
    message = predict_pb2.PredictRequest(output_filter=outputs)
    message.model_spec.name = model
    message.model_spec.signature_name = signature
    if version is not None:
        message.model_spec.version.value = version
    if label:
        message.model_spec.version_label = label
    for name, value in inputs.items():
        message.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return message


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float32)
