"""What an earlier version wrote still opens, resumes, draws, evaluates and serves.

`0.1.0.tar.xz` holds a data folder of 16x16 scenes, a work folder of twelve training steps of a tiny
alignDRAW on it, its export, its evaluation, and images that it drew: all made by version 0.1.0
before its modules were moved into their present folders. It stays as it is: a format that changes
gets an archive of its own beside this one, and a reader for both.
"""

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from pipelines import cli
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.evaluation.features import word_classifier
from pipelines.sampling.sampler import Sampler
from serving.client.client import Client
from serving.errors import RequestError
from t2i_tf import checkpoints
from tests.eager import eagerly
from tests.patience import PATIENCE
from tests.serving.server_process import ServerProcess

pytestmark = pytest.mark.usefixtures("graphs_as_traced")

ARCHIVE = Path(__file__).with_name("0.1.0.tar.xz")


@pytest.fixture
def old(tmp_path):
    """The archive's contents, in a folder of their own for each test."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "0.1.0"


@pytest.fixture
def expected(old):
    """Captions, seeds and the images drawn for them, uint8 [3, 16, 16, 3]."""
    with np.load(old / "expected.npz") as arrays:
        return arrays["captions"].tolist(), arrays["seeds"].tolist(), arrays["images"]


def assert_equal_images(found, expected):
    """Equal but for what another processor rounds otherwise: one grey level."""
    assert np.abs(np.int32(found) - np.int32(expected)).max() <= 1


def test_a_data_folder_opens_and_verifies(old, capsys):
    folder = DataFolder.open(old / "data")
    assert folder.shape == (16, 16, 3) and len(folder.vocabulary) == 77
    assert cli.main(["prepare", "--out", str(old / "data"), "--verify"]) == 0
    assert "7 files" in capsys.readouterr().out


def test_a_work_folder_draws_the_same_images(old, expected):
    captions, seeds, images = expected
    trained = checkpoints.load(old / "run")
    assert trained.config.caption_dropout == 0  # a setting that its config.json does not have
    sampler = Sampler(trained)
    drawn = sampler.draw_pairs(list(zip(captions, seeds, strict=True)))
    assert_equal_images([sample.image for sample in drawn], images)


def test_a_work_folder_resumes(old):
    flags = [
        "--preset",
        "align-draw-tiny",
        "--no-xla",
        "--data",
        str(old / "data"),
        "--steps",
        "14",
    ]
    with eagerly():
        assert cli.main(["train", *flags, "--workdir", str(old / "run")]) == 0
    assert checkpoints.CheckpointFolder(old / "run" / "checkpoints").steps() == [12, 14]
    rows = (old / "run" / "history.csv").read_text().splitlines()
    assert [float(row.split(",")[0]) for row in rows[1:]] == [6, 12, 14]


@pytest.mark.slow
def test_a_work_folder_evaluates_to_the_same_bounds(old, monkeypatch):
    monkeypatch.setattr(word_classifier, "STEPS", 2)  # no bound depends on its features
    sizes = {"candidates": 8, "pictures": 16, "captions": 16, "weighed": 4, "similar": 4}
    sizes |= {"samples": 3, "judged": 8}
    flags = [word for name, size in sizes.items() for word in (f"--{name}", str(size))]
    out = old / "again.json"
    workdir, data = str(old / "run"), str(old / "data")
    assert (
        cli.main(["evaluate", "--workdir", workdir, "--data", data, "--out", str(out), *flags]) == 0
    )
    before, now = (json.loads(path.read_text()) for path in (old / "evaluation.json", out))
    written_since = {"frechet", "real_against_real", "gradient"}
    assert now.keys() - before.keys() == written_since
    assert not before.keys() - now.keys()
    for group, key in (("bound", "test"), ("bound", "importance_weighted"), ("ssim", "mean")):
        assert now[group].keys() - {"uniform"} == before[group].keys()
        for end in ("value", "low", "high"):
            np.testing.assert_allclose(now[group][key][end], before[group][key][end], rtol=1e-4)


def test_an_export_serves_the_same_images(old, expected, tmp_path):
    captions, seeds, images = expected
    server = ServerProcess(tmp_path, f"--model-base-path={old / 'models' / 't2i'}")
    try:
        server.wait_until_ready()
        inputs = {
            "prompt": captions,
            "seed": np.int64(seeds),
            "temperature": np.ones(len(captions), np.float32),
        }
        answer = server.predict("t2i", inputs, timeout=PATIENCE)
        with Client(server.address, timeout=PATIENCE) as client:
            assert client.metadata().max_words == 16
            with pytest.raises(RequestError) as refusal:
                client.draw("a red bus , " * 7, n=2)
    finally:
        assert server.stop() == 0
    assert str(refusal.value).startswith("The caption has 28 words and marks")
    assert_equal_images(tf.make_ndarray(answer.outputs["image"]), images)
