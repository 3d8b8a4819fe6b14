"""Whether Keras still needs `pipelines/training/workers/keras_fit.py`."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]


@pytest.mark.slow
def test_keras_alone_does_not_train_on_two_workers():
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    processes = []
    for rank in range(2):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": rank}}
        environment = os.environ | {"TF_CONFIG": json.dumps(task), "PYTHONPATH": str(ROOT)}
        script = str(Path(__file__).with_name("plain_keras.py"))
        pipe = subprocess.PIPE
        processes.append(
            subprocess.Popen([sys.executable, script], env=environment, stdout=pipe, text=True)
        )
    outputs = [process.communicate(timeout=300)[0] for process in processes]
    for output in outputs:
        assert "mended" not in output, (
            "Keras trains on several workers by itself now: delete keras_fit.py, and give `fit`"
            " votes and logs in another way."
        )
        assert "PerReplica" in output, output
