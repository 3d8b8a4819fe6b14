"""The study of bits: a system with a discrete likelihood, and one without."""

import json

import numpy as np
import pytest

from pipelines.cli import main
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.evaluation.likelihood.scorer import Scorer
from pipelines.studies.bits_per_dim import picture_bits, pixel_models
from pipelines.studies.run_study import study
from pipelines.studies.study_context import StudyContext
from t2i_tf.errors import UsageError, UserError
from tests.data_folders import make_examples, write_data_folder
from tests.pipelines.evaluation.work_folders import write_run

SHAPE = (8, 8, 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    splits = {
        "train": make_examples(30, shape=SHAPE),
        "test": make_examples(6, seed=1, shape=SHAPE, prefix="test"),
    }
    return DataFolder.open(write_data_folder(tmp_path_factory.mktemp("bits") / "data", splits))


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    """A function that writes the work folder of a tiny system with random weights."""

    def write(name, **sizes):
        return write_run(tmp_path_factory.mktemp(name) / "run", name, folder, scale=0.3, **sizes)

    return write


@pytest.fixture(scope="module", autouse=True)
def few_samples():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(picture_bits, "IMPORTANCE_SAMPLES", 3)
        yield


def rows(found):
    return {row["by"]: row for row in found.table}


def test_all_coders_of_the_same_pictures(folder, run, tmp_path, capsys):
    workdir = run("conv-deconv-vae", likelihood="logistic", components=2)
    flags = ["--workdir", str(workdir), "--data", str(folder.path), "--captions", "5"]
    assert main(["study", "bits", *flags, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    written = json.loads((tmp_path / "bits.json").read_text())
    assert written["pictures"] == 5 and written["training_pictures"] == 30
    table = {row["by"]: row for row in written["table"]}
    assert list(table) == [
        "Conv-Deconv VAE",
        "Conv-Deconv VAE, 3 samples",
        "PNG files",
        "WebP files",
        "histogram of each channel",
        "Gaussian, each pixel alone",
        "Gaussian, full covariance",
        "PixelCNN on COCO, published",
        "multiscale PixelCNN on COCO, published",
    ]
    assert all(np.isfinite(row["bits/dim"]) for row in table.values())
    assert all(row["low"] <= row["bits/dim"] <= row["high"] for row in written["table"][:-2])
    assert table["PixelCNN on COCO, published"]["low"] is None
    assert "4.440" in printed and "as recalled" in printed and "not trained" not in printed
    assert "The system's bits are at most these" in written["text"]


def test_a_systems_bits_are_its_bound(folder, run):
    context = StudyContext.open(run("fully-connected-vae", likelihood="logistic"), folder.path)
    found = rows(picture_bits.study_bits(context, captions=6, seed=2))
    test = picture_bits.read_captioned_images(
        folder, "test", 6, picture_bits.trained_lengths(context.trained.config)
    )
    read = Scorer(context.trained).read(test.captions)
    model = context.trained.model
    nats = model.bound(test.images, read, model.noise(2 + np.arange(6)))
    expected = -np.mean(nats) / (8 * 8 * 3 * np.log(2))
    assert found["Fully-Connected VAE"]["bits/dim"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("fully-connected-vae", "was not trained with a discrete likelihood"),
        ("lapgan", "has no likelihood"),
    ],
)
def test_a_system_without_a_discrete_likelihood_has_no_bits(folder, run, tmp_path, name, why):
    found = study("bits", run(name), tmp_path, data=folder.path, captions=3)
    assert [row["bits/dim"] for row in found.table[:2]] == [None, None]
    assert all(row["bits/dim"] > 0 for row in found.table[2:])
    assert why in found.text and "The system's bits" not in found.text


def test_large_pictures_have_no_row_of_full_covariance_and_it_is_said(
    folder, run, tmp_path, monkeypatch
):
    monkeypatch.setattr(pixel_models, "MOST_DIMS", 100)
    found = study("bits", run("fully-connected-vae"), tmp_path, data=folder.path, captions=3)
    assert rows(found)["Gaussian, full covariance"]["bits/dim"] is None
    assert "The full covariance is left out" in found.text and "192" in found.text


def test_what_cannot_be_studied_is_refused(run, tmp_path):
    workdir = run("fully-connected-vae")
    with pytest.raises(UsageError, match="name it with --data"):
        study("bits", workdir, tmp_path)
    splits = {"train": make_examples(1, shape=SHAPE), "test": make_examples(2, shape=SHAPE)}
    single = DataFolder.open(write_data_folder(tmp_path / "data", splits))
    context = StudyContext.open(workdir)
    context = StudyContext(**(vars(context) | {"folder": single}))
    with pytest.raises(UserError, match="two training pictures or more, found 1"):
        study("bits", context, tmp_path)
