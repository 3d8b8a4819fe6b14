import dataclasses

import pytest

from t2i_tf.presets import preset
from tests.data_folders import make_examples, write_data_folder


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    splits = {
        "train": make_examples(60, shape=(8, 8, 3)),
        "val": make_examples(20, seed=1, shape=(8, 8, 3), prefix="val"),
    }
    return write_data_folder(tmp_path_factory.mktemp("training") / "data", splits)


@pytest.fixture(scope="session")
def config():
    """The tiny preset without XLA: these tests are about what surrounds the model."""
    return dataclasses.replace(preset("align-draw-tiny").config, xla=False, deterministic=True)
