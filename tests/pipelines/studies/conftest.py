import json
import random
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.scenes.captions import caption_words
from pipelines.data.scenes.dataset import captions, render, sample_scene
from pipelines.sampling.sampler import Sample
from pipelines.studies import study_context
from pipelines.studies.object_region import scene_of
from pipelines.studies.study_context import StudyContext
from t2i_tf.text.tokenizer import split_words
from tests.data_folders import write_data_folder
from tests.pipelines.evaluation.work_folders import write_run

SIDE = 16


class PerfectSampler:
    """Draws the scenes that captions describe exactly, a shade darker or lighter by the seed."""

    model = SimpleNamespace(title="PerfectSampler", reads="token_ids", attends_from_places=False)
    max_words = 16

    def unknown_words(self, captions):
        return [w for c in captions for w in split_words(c) if w not in caption_words()]

    def draw_pairs(self, pairs, description=None):
        return [self.draw(caption, seed) for caption, seed in pairs]

    def draw(self, caption, seed):
        """The attention is uniform, and every write window is the same."""
        image = np.minimum(render(scene_of(caption), SIDE), 250) + np.uint8(seed % 5)
        words = tuple(split_words(caption))
        alignment = np.full((2, len(words)), 1 / len(words), np.float32)
        canvases = np.stack([np.zeros_like(image), image])
        windows = np.zeros((2, 4), np.float32)
        return Sample(caption, seed, words, image, canvases, alignment, windows)


@pytest.fixture(scope="session", autouse=True)
def judge():
    """A judge of images 32 x 32; each size is made once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_context, "SceneJudge", cache(study_context.SceneJudge))
        yield study_context.SceneJudge((32, 32))


@pytest.fixture
def context():
    return StudyContext(Path("run"), PerfectSampler(), 7, (SIDE, SIDE, 3), scenes=True)


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
    """A function that writes the work folder of a tiny system with random weights."""

    def write(name, source="scenes"):
        path = write_run(tmp_path_factory.mktemp(name), name, scenes, scale=0.5, max_words=16)
        (path / "data.json").write_text(json.dumps({"source": source, "format": 1}))
        return path

    return write


@pytest.fixture(scope="session")
def align_run(run):
    return run("align-draw")


@pytest.fixture(scope="session")
def captioner_run(run):
    return run("captioner")
