import dataclasses

import pytest

from t2i_tf.presets import preset
from tests.data_folders import make_examples, write_data_folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    splits = {
        "train": make_examples(60, shape=(8, 8, 3)),
        "val": make_examples(20, seed=1, shape=(8, 8, 3), prefix="val"),
    }
    return write_data_folder(tmp_path_factory.mktemp("training") / "data", splits)


@pytest.fixture(scope="session")
def config():
    """A model that is built in a moment: these tests are about what surrounds it."""
    return dataclasses.replace(preset("captioner-tiny").config, xla=False, deterministic=True)
