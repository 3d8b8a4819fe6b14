import pytest

from pipelines.benchmarks.prepare import make_photographs, measure_prepare
from t2i_tf.errors import UserError


def test_measure_prepare(tmp_path):
    files = make_photographs(tmp_path, 4)
    assert 60_000 < files[0].stat().st_size < 250_000  # as COCO's
    measured = measure_prepare(tmp_path, count=8, repeats=2)
    assert measured["benchmark"] == "prepare"
    assert measured["pictures"] == 8
    assert measured["examples_per_cpu_second"] == 8 / measured["median_cpu_seconds"]
    assert measured["floor_seconds"] > 0


def test_a_folder_without_pictures(tmp_path):
    with pytest.raises(UserError, match=r"expected \.jpg files"):
        measure_prepare(tmp_path)
