"""Exports of presets: by name, as a folder, as a file."""

import dataclasses

import numpy as np
import pytest

from serving.cli import main
from serving.errors import ServingError
from serving.export import export as export_module
from t2i_tf.hub import find_preset
from t2i_tf.hub.pretrained import PretrainedModel
from tests.t2i_tf.hub.tiny_runs import write_run
from tests.t2i_tf.tiny import CONFIG


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("presets")
    write_run(root / "run", dataclasses.replace(CONFIG, steps=2))
    model = PretrainedModel.from_preset(root / "run")
    model.save_to_preset(root / "shipped" / "tiny-one")
    model.save(root / "tiny.keras")
    return root


@pytest.fixture(autouse=True)
def shipped(root, monkeypatch):
    monkeypatch.setattr(find_preset, "SHIPPED", root / "shipped")


@pytest.fixture
def exported(monkeypatch):
    """Exports write and check nothing; returns the weights of the models that came that far."""
    seen = []

    def save(module, scratch):
        seen.append([weight.numpy() for weight in module.weights])

    monkeypatch.setattr(export_module, "save", save)
    monkeypatch.setattr(export_module, "check", lambda *_: None)
    return seen


def test_a_preset_is_exported_by_any_of_its_names(root, exported, tmp_path, capsys):
    for name in (root / "run", root / "shipped" / "tiny-one", root / "tiny.keras", "tiny-one"):
        assert main(["export", "--workdir", str(name), "--out", str(tmp_path / "t2i")]) == 0
    assert [path.name for path in sorted((tmp_path / "t2i").iterdir())] == ["1", "2", "3", "4"]
    for weights in exported[1:]:
        for one, other in zip(exported[0], weights, strict=True):
            np.testing.assert_array_equal(one, other)


def test_what_cannot_be_exported(exported, tmp_path, capsys):
    command = ["export", "--out", str(tmp_path / "t2i"), "--workdir"]
    assert main([*command, "tiny-one", "--checkpoint", "last"]) == 2
    assert "tiny-one is a preset" in capsys.readouterr().err
    assert main([*command, "tiny-two"]) == 1
    assert "Did you mean 'tiny-one'?" in capsys.readouterr().err
    assert not exported and not (tmp_path / "t2i").exists()


def test_the_demo_of_a_preset_needs_a_place(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("tiny-one", "hf://user/name"):
        assert main(["demo", "--once", "--workdir", name]) == 2
        assert f"{name} is no folder" in capsys.readouterr().err
    from serving.tools import demo as demo_module

    def no_export(workdir, base_path):
        raise ServingError(f"{workdir} to {base_path}")

    monkeypatch.setattr(demo_module, "export_run", no_export)
    assert main(["demo", "--once", "--workdir", "tiny-one", "--out", "models/t2i"]) == 1
    assert "tiny-one to models/t2i" in capsys.readouterr().err
