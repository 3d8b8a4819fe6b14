import dataclasses

import pytest

from t2i_tf.presets import preset
from tests.data_folders import write_training_folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_training_folder(tmp_path_factory.mktemp("training") / "data")


@pytest.fixture(scope="session")
def config():
    """A model that is built in a moment: these tests are about what surrounds it."""
    return dataclasses.replace(preset("captioner-tiny").config, xla=False, deterministic=True)
