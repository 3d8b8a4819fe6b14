import json
import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.scenes.captions import caption_words
from pipelines.data.scenes.dataset import captions, render, sample_scene
from pipelines.sampling.sampler import Sample
from pipelines.studies.object_region import scene_of
from pipelines.studies.study_context import StudyContext
from t2i_tf import checkpoints
from t2i_tf.config import OptimizerConfig, TrainConfig
from t2i_tf.models import build_model
from t2i_tf.optimizers import build_optimizer
from t2i_tf.presets import preset
from t2i_tf.text.tokenizer import split_words
from tests.data_folders import write_data_folder

SIDE = 16


class Draftsman:
    """Draws the scenes that captions tell, perfectly, a shade of its own for every seed."""

    model = SimpleNamespace(title="Draftsman", reads="token_ids")
    max_words = 16

    def unknown_words(self, told):
        return [w for c in told for w in split_words(c) if w not in caption_words()]

    def draw_pairs(self, pairs):
        return [self.draw(caption, seed) for caption, seed in pairs]

    def draw(self, caption, seed):
        image = np.minimum(render(scene_of(caption), 32), 250) + np.uint8(seed % 5)
        words = tuple(split_words(caption))
        alignment = np.full((2, len(words)), 1 / len(words), np.float32)
        canvases = np.stack([np.zeros_like(image), image])
        return Sample(
            caption, seed, words, image, canvases, alignment, np.zeros((2, 4), np.float32)
        )


@pytest.fixture
def draftsman():
    return Draftsman()


@pytest.fixture
def context(draftsman):
    return StudyContext(Path("run"), draftsman, 7, (32, 32, 3), scenes=True)


@pytest.fixture(scope="session")
def scenes(tmp_path_factory):
    """A data folder of small scenes, whose vocabulary holds every word that they can have."""

    def examples(count):
        rng = random.Random(count)
        for k in range(count):
            scene = sample_scene(rng)
            yield str(k), render(scene, SIDE, rng), captions(scene, rng), scene.attributes()

    every_word = ("all", np.zeros((SIDE, SIDE, 3), np.uint8), [" ".join(caption_words())], {})
    splits = {"train": [every_word], "test": list(examples(6))}
    return DataFolder.open(write_data_folder(tmp_path_factory.mktemp("studies") / "data", splits))


@pytest.fixture(scope="session")
def run(scenes, tmp_path_factory):
    """A function that writes the work folder of a preset's model, with random weights."""

    def write(name, source="scenes", **sizes):
        folder = tmp_path_factory.mktemp(name)
        known = {"vocabulary_size": len(scenes.vocabulary)} | sizes
        model = preset(name).config.model
        fields = {k: v for k, v in known.items() if hasattr(model, k)}
        config = TrainConfig(
            model=model.__class__(**(vars(model) | {"height": SIDE, "width": SIDE} | fields)),
            optimizer=OptimizerConfig(ema=0),
            max_words=16,
        )
        built = build_model(config.model)
        rng = np.random.default_rng(0)
        for weight in built.weights:
            weight.assign(0.5 * rng.standard_normal(weight.shape))
        built.compile(build_optimizer(config.optimizer), jit_compile=False)
        checkpoints.write_config(folder, config)
        scenes.vocabulary.save(folder / "vocabulary.txt")
        (folder / "data.json").write_text(json.dumps({"source": source, "format": 1}))
        checkpoints.CheckpointFolder(folder / "checkpoints").save(built, {})
        return folder

    return write


@pytest.fixture(scope="session")
def align_run(run):
    return run("align-draw-tiny")


@pytest.fixture(scope="session")
def captioner_run(run):
    return run("captioner-tiny")
