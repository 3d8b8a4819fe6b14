import pytest

from tests.data_folders import write_training_folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_training_folder(tmp_path_factory.mktemp("training") / "data")
