"""The notebook `docs/quickstart.ipynb`: small, without outputs, and executed from top to bottom."""

import base64
import io
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image

from t2i_tf.hub.pretrained import read_settings

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "docs" / "quickstart.ipynb"


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_it_is_committed_small_and_without_outputs(notebook):
    nbformat.validate(notebook)
    assert NOTEBOOK.stat().st_size < 200_000
    for cell in code(notebook):
        assert not cell.outputs and cell.execution_count is None
    assert notebook.metadata.kernelspec.name == "python3"  # as Colab's is called


def test_its_strokes_are_those_of_the_weights_that_it_draws_with(notebook):
    steps = read_settings("align-draw-scenes").model.steps
    text = "".join(cell.source for cell in notebook.cells)
    assert f"The picture is made in {steps} strokes." in text


def install(notebook, monkeypatch, folder):
    """Runs the first cell in a folder; returns what pip is called with."""
    calls = []
    monkeypatch.setattr(subprocess, "run", lambda command, check: calls.append(command))
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.chdir(folder)
    exec(compile(code(notebook)[0].source, str(NOTEBOOK), "exec"), {})
    assert os.environ["PATH"].startswith(str(Path(sys.executable).parent))
    return calls


def test_nothing_is_installed_where_the_package_is_importable(notebook, monkeypatch, tmp_path):
    assert install(notebook, monkeypatch, tmp_path) == []


def test_the_first_cell_installs_an_address_a_wheel_or_the_clone(notebook, monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match="Set SOURCE"):
        install(notebook, monkeypatch, tmp_path)
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    assert install(notebook, monkeypatch, ROOT / "docs") == [[*pip, "--editable", str(ROOT)]]
    (tmp_path / "t2i_tf-0.1.0-py3-none-any.whl").write_bytes(b"")
    wheel = "t2i_tf-0.1.0-py3-none-any.whl"
    assert install(notebook, monkeypatch, tmp_path) == [[*pip, wheel]]
    for newer in ("0.9.0", "0.10.0"):
        wheel = f"t2i_tf-{newer}-py3-none-any.whl"
        (tmp_path / wheel).write_bytes(b"")
        assert install(notebook, monkeypatch, tmp_path) == [[*pip, wheel]]
    monkeypatch.setenv("T2I_SOURCE", "git+https://example.org/user/name")
    address = "git+https://example.org/user/name"
    assert install(notebook, monkeypatch, tmp_path) == [[*pip, address]]


@pytest.mark.slow
def test_it_runs_from_top_to_bottom(notebook, monkeypatch, tmp_path):
    """With a training of seconds: its pictures are those of the weights that it begins from."""
    from nbclient import NotebookClient

    monkeypatch.setenv("T2I_MINUTES", "0.05")
    monkeypatch.setenv("T2I_PICTURES", "70")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=1200, kernel_name="python3", resources=place).execute()
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    said = "".join(output.text for output in outputs if output.output_type == "stream")
    for sentence in (
        "read by the columns 'file' for the pictures and 'caption'",
        "Begins from align-draw-scenes",
        "31 of 31 weight tensors taken",
        "Exported and checked: quickstart/models/t2i/1",
        "A server answers at 127.0.0.1:",
    ):
        assert sentence in said
    assert "Largest difference from the picture drawn here: 0" in said or "here: 1 of" in said
    assert "\x1b" not in said  # no bar that moves
    shown = [output.data for output in outputs if "data" in output]
    pngs = [
        Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
        for data in shown
        if "image/png" in data
    ]
    assert len(pngs) == 8 and all(np.ptp(np.asarray(png)) > 100 for png in pngs)
    assert sum("image/gif" in data for data in shown) == 1
    port = int(re.search(r"answers at 127\.0\.0\.1:(\d+)", said)[1])
    with socket.socket() as probe:  # the server has ended
        assert probe.connect_ex(("127.0.0.1", port)) != 0
