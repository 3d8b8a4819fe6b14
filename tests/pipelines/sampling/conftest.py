import numpy as np
import pytest

from t2i_tf import checkpoints
from t2i_tf.config import CaptionerConfig, OptimizerConfig, TrainConfig
from t2i_tf.models import build_model
from t2i_tf.optimizers import build_optimizer
from t2i_tf.text.vocabulary import Vocabulary
from tests.data_folders import WORDS


@pytest.fixture(scope="session")
def workdir(tmp_path_factory):
    """A captioner of pictures 4 x 6 x 3, of the words of `tests.data_folders`."""
    folder = tmp_path_factory.mktemp("captioner")
    vocabulary = Vocabulary.from_counts(dict.fromkeys(WORDS, 1))
    config = TrainConfig(
        model=CaptionerConfig(
            height=4,
            width=6,
            vocabulary_size=len(vocabulary),
            filters=3,
            embedding_units=4,
            decoder_units=5,
            align_units=6,
        ),
        optimizer=OptimizerConfig(ema=0),  # no average stands in for the weights below
        max_words=7,
    )
    model = build_model(config.model)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(1.5 * rng.standard_normal(weight.shape))
    model.compile(build_optimizer(config.optimizer), jit_compile=False)
    checkpoints.write_config(folder, config)
    vocabulary.save(folder / "vocabulary.txt")
    checkpoints.CheckpointFolder(folder / "checkpoints").save(model, {})
    return folder
