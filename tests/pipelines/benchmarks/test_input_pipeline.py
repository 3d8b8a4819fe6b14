import pytest

from pipelines.benchmarks.input_pipeline import measure_input
from pipelines.data.prepared.data_folder import DataFolder
from tests.data_folders import make_examples, write_data_folder


@pytest.mark.parametrize("mode", ["ram", "stream"])
def test_measure_input(tmp_path, mode):
    folder = DataFolder.open(write_data_folder(tmp_path, {"train": make_examples(30)}))
    measured = measure_input(folder, mode, batch_size=4, batches=3, windows=2)
    assert measured["benchmark"] == "input"
    assert measured["mode"] == mode
    rate = 4 * 3 / measured["median_cpu_seconds"]
    assert measured["examples_per_cpu_second"] == pytest.approx(rate)
