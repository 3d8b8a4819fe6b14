"""Every command that takes a trained model takes it by any of its names, as `from_preset` does."""

import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from pipelines.cli import main
from pipelines.data.precomputed.sentence_vectors import open_encoder
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.fine_tuning.initial_weights import encoder_of
from pipelines.sampling.steering import Steering
from pipelines.sampling.system_gallery import draw_rows
from pipelines.training.workdir import has_same_data, read_run_data
from t2i_tf import checkpoints
from t2i_tf.errors import UsageError, UserError
from t2i_tf.hub import find_preset, hugging_face
from t2i_tf.hub.pretrained import PretrainedModel, load_trained
from tests.data_folders import make_examples, write_data_folder
from tests.pipelines.evaluation.work_folders import write_run

pytestmark = pytest.mark.usefixtures("without_graphs")

SHAPE = (16, 16, 3)
NAMES = ("draws", "describes", "sharpens")  # as weights that ship, on the hub, and as folders
KINDS = ("preset", "file", "shipped", "hub")
CAPTIONS = ["a red bus", "a blue bus"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    splits = {name: make_examples(6, shape=SHAPE) for name in ("train", "val", "test")}
    return DataFolder.open(write_data_folder(tmp_path_factory.mktemp("data") / "data", splits))


@pytest.fixture(scope="module")
def root(folder, tmp_path_factory):
    """Runs of three systems; and each as a preset folder, a file, and in the hub's cache."""
    root = tmp_path_factory.mktemp("models")
    systems = dict(zip(NAMES, ("align-draw", "captioner", "sharpening"), strict=True))
    for name, system in systems.items():
        run = write_run(root / "runs" / name, system, folder, scale=0.3)
        manifest = json.loads((run / "data.json").read_text())
        (run / "data.json").write_text(json.dumps(manifest | {"source": "coco", "crop": "pad"}))
        model = PretrainedModel.from_preset(run)
        model.save_to_preset(root / "presets" / name)
        model.save(root / f"{name}.keras")
    return root


@pytest.fixture(autouse=True)
def elsewhere(root, tmp_path, monkeypatch):
    """A place without models of these names; the presets ship, and are on the hub."""
    monkeypatch.setattr(find_preset, "SHIPPED", root / "presets")
    monkeypatch.setattr(
        hugging_face, "download", lambda address: root / "presets" / address.rpartition("/")[2]
    )
    monkeypatch.chdir(tmp_path)


def named(kind, root, name):
    return {
        "run": str(root / "runs" / name),
        "preset": str(root / "presets" / name),
        "file": str(root / f"{name}.keras"),
        "shipped": name,
        "hub": f"hf://user/{name}",
    }[kind]


def written(kind, root, place):
    """What commands write with a model of a kind, without its name."""
    model, captioner, sharpener = (named(kind, root, name) for name in NAMES)
    picture, out, gallery = place / "x.png", place / kind, place / "gallery.png"
    Image.fromarray(np.arange(30 * 50 * 3, dtype=np.uint8).reshape(30, 50, 3)).save(picture)
    best = ["--captioner", captioner, "--best-of", "2"]
    for command in (
        ["study", "compositions", *CAPTIONS, "--workdir", model, "--seeds", "1", "--out", out],
        ["caption", picture, "--workdir", captioner, "--out", out, "--beam", "1"],
        ["gallery", CAPTIONS[0], "--workdirs", model, "--sharpen", sharpener, "--out", gallery],
        ["generate", *CAPTIONS, "--workdir", model, "--n", "1", *best, "--out", out],
    ):
        assert main(list(map(str, command))) == 0
    files = {path.name: path.read_bytes() for path in (*out.iterdir(), gallery)}
    captions = json.loads(files.pop("captions.json"))
    study = json.loads(files.pop("compositions.json"))
    assert study["made"].pop("workdir") == model
    return files, [one | {"file": None} for one in captions], study


@pytest.fixture(scope="module")
def of_the_run(root, tmp_path_factory):
    return written("run", root, tmp_path_factory.mktemp("run"))


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.slow] * (kind != "hub")) for kind in KINDS]
)
def test_commands_give_what_they_give_for_the_work_folder(
    kind, root, folder, of_the_run, tmp_path, capsys
):
    assert written(kind, root, tmp_path) == of_the_run
    assert "does not say" not in capsys.readouterr().out
    assert read_run_data(named(kind, root, "describes")).crop == "pad"
    assert has_same_data(named(kind, root, "draws"), folder) is None


@pytest.mark.parametrize("kind", KINDS)
def test_results_of_a_preset_need_a_place(kind, root, folder, capsys):
    model, captioner = (named(kind, root, name) for name in NAMES[:2])
    for command in (
        ["evaluate", "--workdir", model, "--data", str(folder.path)],
        ["study", "colours", "--workdir", model],
        ["caption", "x.png", "--workdir", captioner],
    ):
        assert main(command) == 2
        error = " ".join(capsys.readouterr().err.split())
        named_model = captioner if command[0] == "caption" else model
        assert error == (
            f"Error: {named_model} is a preset and no work folder, into which results would go: "
            "give --out."
        )


def test_results_of_a_run_go_into_its_folder_and_drawings_of_a_preset_here(root, tmp_path, capsys):
    for name in ("runs", "presets"):
        command = ["generate", CAPTIONS[0], "--workdir", str(root / name / "draws"), "--n", "1"]
        assert main(command) == 0
    assert (root / "runs" / "draws" / "drawings" / "grid.png").exists()
    assert (tmp_path / "drawings" / "grid.png").exists()
    assert not (root / "presets" / "draws" / "drawings").exists()


def test_what_does_not_exist_is_said_before_a_place_is_asked_for(folder, capsys):
    for name in ("drows", "runs/nowhere"):
        assert main(["evaluate", "--workdir", name, "--data", str(folder.path)]) == 1
        error = capsys.readouterr().err
        assert f"no weights '{name}'" in error and "--out" not in error
    assert main(["study", "colours", "--workdir", "drows"]) == 1
    assert "Did you mean 'draws'?" in capsys.readouterr().err


def test_a_folder_comes_before_weights_that_ship(root, tmp_path):
    shutil.copytree(root / "runs" / "draws", tmp_path / "draws")
    step = checkpoints.load(root / "runs" / "draws").step
    (tmp_path / "draws" / "vocabulary.txt").unlink()
    with pytest.raises(UserError, match=r"draws/vocabulary\.txt"):
        load_trained("draws")
    shutil.rmtree(tmp_path / "draws")
    assert load_trained("draws").step == step


def test_only_a_work_folder_has_a_last_checkpoint(root):
    assert load_trained(root / "runs" / "draws", "last").step == 2
    with pytest.raises(UsageError, match=r"Only work folders .* draws is a preset\."):
        load_trained("draws", "last")


def test_no_row_of_a_gallery_is_lost_and_unknown_words_are_named(root, capsys):
    models = [named(kind, root, "draws") for kind in ("run", "preset", "hub", "hub")]
    rows = draw_rows(models, [CAPTIONS[0], "a unicycle"])
    assert len(rows) == 4 and "alignDRAW (hf://user/draws)" in rows
    said = capsys.readouterr().out
    assert "not in the vocabulary of alignDRAW (hf://user/draws): unicycle." in said


def test_a_gallery_names_the_folder_that_it_cannot_draw_with(root):
    models = [named("run", root, "draws"), named("run", root, "describes")]
    with pytest.raises(UserError, match=f"{models[1]}: .* ImageCaptioner, which draws no captions"):
        draw_rows(models, CAPTIONS)


def test_training_from_a_preset_takes_its_sentence_encoder(folder, root, tmp_path):
    model = PretrainedModel.from_preset(write_run(tmp_path / "vae", "conv-deconv-vae", folder))
    model.save_to_preset(tmp_path / "preset")
    model.save(tmp_path / "vae.keras")
    for name in ("vae", "preset", "vae.keras"):
        encoder = encoder_of(str(tmp_path / name))
        assert open_encoder(folder, encoder).fingerprint == model.parts.encoder.fingerprint
    assert encoder_of(str(root / "draws.keras")) is None


def test_sentences_names_a_preset(folder, tmp_path):
    run = write_run(tmp_path / "skip-thought", "skip-thought", folder)
    model = PretrainedModel.from_preset(run)
    model.save_to_preset(tmp_path / "preset")
    model.save(tmp_path / "encoder.keras")
    one, *others = (
        open_encoder(folder, str(path)).fingerprint
        for path in (run, tmp_path / "preset", tmp_path / "encoder.keras")
    )
    assert others == [one, one]


def test_the_help_says_what_is_taken(capsys):
    for command in ("generate", "evaluate", "study", "caption", "push"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        assert re.search(r"preset|hf://", capsys.readouterr().out)
    assert Steering(captioner="hf://user/name", best_of=2).settings()["captioner"].startswith("hf:")
