"""The served half of the demo: the command, a server in a process of its own, the image."""

import dataclasses
import shlex
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from pipelines.sampling.sampler import Sampler
from serving.cli import main
from serving.tools import demo as demo_module
from t2i_tf import checkpoints
from t2i_tf.models import build_model
from t2i_tf.optimizers import build_optimizer
from t2i_tf.presets import preset
from t2i_tf.text.vocabulary import Vocabulary

CAPTION = "a red bus in the rain"


def write_run(workdir):
    """A work folder as training leaves it, with untrained weights."""
    vocabulary = Vocabulary.from_counts(dict.fromkeys(CAPTION.split(), 1))
    workdir.mkdir()
    vocabulary.save(workdir / "vocabulary.txt")
    config = preset("align-draw-tiny").config
    config = dataclasses.replace(
        config,
        model=dataclasses.replace(config.model, vocabulary_size=len(vocabulary)),
    )
    checkpoints.write_config(workdir, config)
    model = build_model(config.model, seed=5)
    model.compile(build_optimizer(config.optimizer), jit_compile=False)
    checkpoints.CheckpointFolder(workdir / "checkpoints").save(model, {})


@pytest.fixture(autouse=True)
def export_here(monkeypatch):
    """The demo exports by a command; it runs in this process, which has imported TensorFlow."""

    original = demo_module.child_process

    def here(words, **options):
        if words[0] == "export":
            return nullcontext(SimpleNamespace(wait=lambda: main(words)))
        return original(words, **options)

    monkeypatch.setattr(demo_module, "child_process", here)


@pytest.mark.slow  # as `make demo` does
def test_the_image_that_comes_over_grpc_is_the_one_that_generate_draws(tmp_path, capsys):
    run, image = tmp_path / "my run", tmp_path / "models" / "over-grpc.png"
    write_run(run)
    command = ["demo", "--once", "--workdir", str(run), "--caption", CAPTION, "--seed", "3"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert shlex.split(said)[-4:] == ["serving", "demo", "--workdir", str(run)]
    served = np.asarray(Image.open(image))
    ((drawn,),) = Sampler(checkpoints.load(run)).draw([CAPTION], seed=3)
    # Batches of another size may be summed in another order: at most a rounding apart.
    assert np.abs(served.astype(int) - drawn.image.astype(int)).max() <= 1
    assert (served == drawn.image).mean() > 0.999


def test_a_folder_without_a_run_is_an_error_without_a_traceback(tmp_path, capsys):
    assert main(["demo", "--once", "--workdir", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "not a work folder" in error and "could not be exported" in error
    assert "Traceback" not in error
