"""The served half of the demo, as a user meets it: the command, its server, the picture."""

import dataclasses
import subprocess
import sys

import numpy as np
from PIL import Image

from pipelines.sampling.sampler import Sampler
from t2i_tf import checkpoints
from t2i_tf.models import build_model
from t2i_tf.optimizers import build_optimizer
from t2i_tf.presets import preset
from t2i_tf.text.vocabulary import Vocabulary
from tests.serving.server_process import ROOT

CAPTION = "a red bus in the rain"


def write_run(workdir):
    """A work folder as training leaves it, with weights that nobody trained."""
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


def test_the_picture_that_comes_over_grpc_is_the_one_that_generate_draws(tmp_path):
    write_run(tmp_path / "run")
    command = [sys.executable, "-m", "serving", "demo", "--once", "--workdir"]
    done = subprocess.run(
        [*command, str(tmp_path / "run"), "--caption", CAPTION, "--seed", "3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "python -m serving demo --workdir" in done.stdout
    served = np.asarray(Image.open(tmp_path / "models" / "over-grpc.png"))
    ((drawn,),) = Sampler(checkpoints.load(tmp_path / "run")).draw([CAPTION], seed=3)
    # Batches of another size may be summed in another order: at most a rounding apart.
    assert np.abs(served.astype(int) - drawn.image.astype(int)).max() <= 1
    assert (served == drawn.image).mean() > 0.999


def test_a_run_that_is_none_is_told_without_a_traceback(tmp_path):
    command = [sys.executable, "-m", "serving", "demo", "--once", "--workdir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "not a work folder" in done.stderr and "Traceback" not in done.stderr
