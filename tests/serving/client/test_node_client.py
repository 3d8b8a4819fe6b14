"""An independent client: Node.js with grpc-js, from the protocol's descriptors alone."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import grpc
import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FileDescriptor
from grpc_health.v1 import health_pb2
from tensorflow_serving.apis import model_service_pb2, prediction_service_pb2

from tests.patience import PATIENCE

FOLDER = Path(__file__).parent / "node"

pytestmark = pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("npm")), reason="node or npm is not installed"
)


def _write_descriptors(path: Path) -> None:
    """The wheel has no .proto files, but its modules hold their descriptors."""
    found: dict[str, FileDescriptor] = {}

    def add(file: FileDescriptor) -> None:
        # dependencies come first in a set
        for dependency in file.dependencies:
            add(dependency)
        found.setdefault(file.name, file)

    for module in (prediction_service_pb2, model_service_pb2, health_pb2):
        add(module.DESCRIPTOR)
    files = descriptor_pb2.FileDescriptorSet()
    for file in found.values():
        file.CopyToProto(files.file.add())
    path.write_bytes(files.SerializeToString())


def _install() -> None:
    if not (FOLDER / "node_modules" / "@grpc" / "proto-loader").is_dir():
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"]
        subprocess.run(command, cwd=FOLDER, check=True, timeout=120, capture_output=True)


def test_node(server, tmp_path):
    _install()
    _write_descriptors(tmp_path / "serving.pb")
    command = ["node", "client.js", server.address, str(tmp_path / "serving.pb")]
    done = subprocess.run(command, cwd=FOLDER, timeout=PATIENCE, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["health"] == "SERVING"
    assert (answer["y"], answer["version"]) == ([2.5, 3, 4.5], 1)
    assert base64.b64decode(answer["png"]).startswith(b"\x89PNG")
    assert answer["state"] == "AVAILABLE"
    assert answer["missing"] == {
        "code": grpc.StatusCode.NOT_FOUND.value[0],
        "details": "Servable not found for request: Latest(m)",
    }
