"""Work folders of models that have trained nothing, with random weights."""

import dataclasses

from t2i_tf import checkpoints
from t2i_tf.config import CaptionerConfig, OptimizerConfig, TrainConfig
from t2i_tf.models import build_model
from t2i_tf.optimizers import build_optimizer
from t2i_tf.text.vocabulary import Vocabulary
from tests.t2i_tf.tiny import CONFIG, far_from_zero

WORDS = ("a", "red", "bus", "green")
CAPTIONER = CaptionerConfig(
    height=6, width=9, filters=2, embedding_units=3, decoder_units=4, align_units=3
)


def write_run(folder, model_config=CONFIG, words=WORDS, step=0, progress=None, **settings):
    """A work folder with weights far from zero, as if of a later step; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = Vocabulary.from_counts(dict.fromkeys(words, 1))
    model_config = dataclasses.replace(model_config, vocabulary_size=len(vocabulary))
    optimizer = OptimizerConfig(ema=0)  # no average stands in for the weights below
    config = TrainConfig(model=model_config, optimizer=optimizer, xla=False, **settings)
    model = far_from_zero(build_model(model_config, caption_dropout=config.caption_dropout))
    model.compile(build_optimizer(config.optimizer), jit_compile=False)
    model.optimizer.iterations.assign(step)
    checkpoints.write_config(folder, config)
    vocabulary.save(folder / "vocabulary.txt")
    checkpoints.CheckpointFolder(folder / "checkpoints").save(model, progress or {})
    return folder
