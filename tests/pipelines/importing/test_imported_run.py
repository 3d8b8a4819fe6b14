"""What the commands do with an imported work folder."""

import numpy as np
import pytest

from pipelines.cli import main
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.evaluation.load_run import open_run
from pipelines.importing.import_weights import import_weights
from serving import cli as serving
from t2i_tf import TextToImage
from t2i_tf.errors import UserError
from tests.t2i_tf.authors.authors_files import coco_files, write_arrays


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with data of the authors' arrays, and a run of weights that were imported for it."""
    place = tmp_path_factory.mktemp("imported")
    write_arrays(place / "arrays", splits=(("train", 6), ("dev", 4), ("test", 12)))
    weights, _ = coco_files(place / "weights")
    given = ["--input", str(place / "arrays"), "--out", str(place / "data")]
    assert main(["prepare", *given]) == 0
    given = [str(weights), "--workdir", str(place / "run"), "--data", str(place / "data")]
    assert main(["import-weights", *given, "--steps", "2"]) == 0
    config = place / "run" / "config.json"
    config.write_text(config.read_text().replace('"xla": true', '"xla": false'))
    return place


def test_generate_draws_and_the_data_are_those_of_the_run(place):
    given = ["--workdir", str(place / "run"), "--n", "1", "--out", str(place / "drawings")]
    assert main(["generate", "a red bus", *given]) == 0
    assert (place / "drawings" / "grid.png").is_file()
    trained = open_run(place / "run", DataFolder.open(place / "data"))
    assert (trained.model.title, trained.step) == ("alignDRAW", 0)


def test_data_of_another_size_are_refused(place, tmp_path):
    write_arrays(tmp_path / "arrays", side=8)
    given = ["--input", str(tmp_path / "arrays"), "--out", str(tmp_path / "data")]
    assert main(["prepare", *given]) == 0
    with pytest.raises(UserError, match="6 x 6 x 3, those of the data are 8 x 8 x 3"):
        weights = place / "weights" / "weights.h5"
        import_weights(weights, tmp_path / "run", data=tmp_path / "data")


@pytest.mark.slow
def test_export_serves_it(place):
    given = ["--workdir", str(place / "run"), "--out", str(place / "models")]
    assert serving.main(["export", *given]) == 0


@pytest.mark.slow
def test_evaluate_measures_it(place):
    few = ["--captions", "4", "--candidates", "3", "--pictures", "4", "--weighed", "2"]
    few += ["--similar", "2", "--samples", "2", "--judged", "2"]
    given = ["--workdir", str(place / "run"), "--data", str(place / "data")]
    assert main(["evaluate", *given, *few]) == 0
    assert (place / "run" / "evaluation.json").is_file()


def test_a_saved_preset_and_a_keras_file_draw_the_same(place, tmp_path):
    model = TextToImage.from_preset(str(place / "run"))
    expected = model.generate(["a red bus", "the bus"], seed=0)
    model.save_to_preset(tmp_path / "preset")
    model.save(tmp_path / "model.keras")
    for saved in (tmp_path / "preset", tmp_path / "model.keras"):
        found = TextToImage.from_preset(str(saved)).generate(["a red bus", "the bus"], seed=0)
        np.testing.assert_array_equal(found, expected)
