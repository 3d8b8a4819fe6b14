import dataclasses

import pytest

from pipelines.data.precomputed.sentence_vectors import SentenceVectors
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import CaptionReader
from t2i_tf.config import SkipThoughtConfig
from t2i_tf.models import build_model
from t2i_tf.presets import preset
from tests.data_folders import write_training_folder


@pytest.fixture(scope="module")
def bare_data(tmp_path_factory):
    """A data folder without sentence vectors."""
    return write_training_folder(tmp_path_factory.mktemp("bare") / "data")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data folder, and beside it an encoder that gives its captions sentence vectors."""
    path = write_training_folder(tmp_path_factory.mktemp("training") / "data")
    folder = DataFolder.open(path)
    sizes = {"embedding_units": 4, "units": 4, "decoder_units": 4}
    model = build_model(SkipThoughtConfig(vocabulary_size=len(folder.vocabulary), **sizes))
    SentenceVectors(CaptionReader(folder), model.sentence_encoder(folder.vocabulary))
    return path


@pytest.fixture(scope="session")
def config():
    """The model that is traced fastest: these tests are about what surrounds it."""
    config = preset("fully-connected-vae-tiny").config
    return dataclasses.replace(config, xla=False, deterministic=True)
