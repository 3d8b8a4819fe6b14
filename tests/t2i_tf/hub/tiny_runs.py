"""Work folders of models that have trained nothing."""

import dataclasses

from t2i_tf import checkpoints
from t2i_tf.config import CaptionerConfig, TrainConfig
from t2i_tf.models import build_model
from t2i_tf.optimizers import build_optimizer
from t2i_tf.text.vocabulary import Vocabulary
from tests.t2i_tf.tiny import CONFIG

WORDS = ("a", "red", "bus", "green")
CAPTIONER = CaptionerConfig(
    height=6, width=9, filters=2, embedding_units=3, decoder_units=4, align_units=3
)


def write_run(folder, model_config=CONFIG, words=WORDS, step=0, progress=None, **settings):
    """A work folder with initial weights, as if of a later step; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = Vocabulary.from_counts(dict.fromkeys(words, 1))
    model_config = dataclasses.replace(model_config, vocabulary_size=len(vocabulary))
    config = TrainConfig(model=model_config, xla=False, **settings)
    model = build_model(model_config, caption_dropout=config.caption_dropout)
    model.compile(build_optimizer(config.optimizer), jit_compile=False)
    model.optimizer.iterations.assign(step)
    checkpoints.write_config(folder, config)
    vocabulary.save(folder / "vocabulary.txt")
    checkpoints.CheckpointFolder(folder / "checkpoints").save(model, progress or {})
    return folder
