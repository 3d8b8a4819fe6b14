import dataclasses
import shutil

import pytest
from PIL import Image

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import read_images
from pipelines.sampling import training_sheet
from pipelines.sampling.training_sheet import write_training_sheet
from t2i_tf import checkpoints
from t2i_tf.config import TrainConfig
from t2i_tf.models import build_model
from t2i_tf.optimizers import build_optimizer
from tests.data_folders import write_training_folder
from tests.t2i_tf.tiny import CONFIG

HISTORY = "step,seconds,loss,above_floor,val_loss,val_above_floor\n3,1,9,8,9,8\n6,2,7,6,8,7\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_training_folder(tmp_path_factory.mktemp("sheet") / "data")


@pytest.fixture
def run(data, tmp_path):
    """A run of alignDRAW, with the history of two validations."""
    vocabulary = DataFolder.open(data).vocabulary
    sizes = {"vocabulary_size": len(vocabulary), "height": 8, "width": 8, "channels": 3}
    config = TrainConfig(model=dataclasses.replace(CONFIG, **sizes))
    model = build_model(config.model)
    model.compile(build_optimizer(config.optimizer), jit_compile=False)
    checkpoints.write_config(tmp_path, config)
    vocabulary.save(tmp_path / "vocabulary.txt")
    checkpoints.CheckpointFolder(tmp_path / "checkpoints").save(model, {})
    (tmp_path / "history.csv").write_text(HISTORY)
    return tmp_path


def test_the_page_has_the_losses_and_drawings_beside_pictures_of_both_splits(data, run):
    written = write_training_sheet(run, data)
    assert written.path == run / "training.png"
    assert written.caption in read_images(DataFolder.open(data), "val").captions[0]
    with Image.open(written.path) as page:
        rows = 2 * training_sheet.CAPTIONS
        assert page.height > rows * training_sheet.SIDE
        assert page.width > (1 + training_sheet.SEEDS) * training_sheet.SIDE


def test_captions_that_are_all_too_long_for_the_run_are_no_failure(data, run, capsys):
    config = dataclasses.replace(checkpoints.read_config(run), max_words=2)
    checkpoints.write_config(run, config)
    written = write_training_sheet(run, data)
    assert written.caption == "" and written.path.exists()
    assert capsys.readouterr().out.count("training.png shows no drawings in") == 2


def test_a_system_that_draws_nothing_has_the_losses_alone(data, workdir, tmp_path):
    shutil.copytree(workdir, tmp_path / "run")  # of a captioner
    assert write_training_sheet(tmp_path / "run", data) == (None, "")
    (tmp_path / "run" / "history.csv").write_text(HISTORY)
    written = write_training_sheet(tmp_path / "run", data)
    assert written.caption == ""
    with Image.open(written.path) as page:
        assert page.height < 400
