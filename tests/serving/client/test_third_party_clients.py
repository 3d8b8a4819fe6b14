"""Clients of other authors draw a picture, in a virtual environment of their own."""

import base64
import json
import subprocess
import venv
from pathlib import Path

import pytest

from serving.client.client import Client

FOLDER = Path(__file__).parent / "third_party"
REST_METADATA = ["metadata", "model_spec"]
NO_REGISTRY = ("No matching distribution", "Failed to establish", "Temporary failure", "timed out")


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """An interpreter that has the clients."""
    folder = tmp_path_factory.mktemp("third_party")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    command = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--disable-pip-version-check",
    ]
    command += ["--requirement", FOLDER / "requirements.txt"]
    done = subprocess.run(command, timeout=300, capture_output=True, text=True)
    if done.returncode and any(sign in done.stderr for sign in NO_REGISTRY):
        pytest.skip(f"no package registry is reachable: {done.stderr.strip()[-300:]}")
    assert done.returncode == 0, done.stderr
    return python


@pytest.mark.slow
def test_they_draw_what_the_own_client_draws(python, drawing_server):
    addresses = [drawing_server.address, f"127.0.0.1:{drawing_server.rest_port}"]
    command = [python, FOLDER / "draw.py", *addresses]
    done = subprocess.run(command, timeout=120, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    with Client(drawing_server.address) as client:
        [expected] = client.draw("a red bus", seed=3)
    for name, answer in answers.items():
        assert base64.b64decode(answer["png"]) == expected.png, name
    assert "tensorflow.serving.PredictionService" in answers["grpc-requests"]["services"]
    for name in ("ovmsclient, gRPC", "ovmsclient, REST"):
        assert answers[name]["state"] == "AVAILABLE"
        assert answers[name]["metadata"] in (["inputs", "model_version", "outputs"], REST_METADATA)
        words = "prompt: expected 1 to 16 words and marks, got 26"
        assert words in answers[name]["refused"]
        assert "assertion" not in answers[name]["refused"] and "{{" not in answers[name]["refused"]
