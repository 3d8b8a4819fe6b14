import dataclasses
import os

import pytest

from pipelines.benchmarks.scaling import measure_scaling
from t2i_tf.errors import UsageError
from t2i_tf.presets import preset

NAME = "noalign-draw-tiny"
CONFIG = preset(NAME).config


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})


@pytest.mark.parametrize("workers", [1, 3])
def test_each_worker_needs_a_core(two_cores, workers):
    with pytest.raises(UsageError, match=rf"--workers {workers}: expected 2 to 2, the number of"):
        measure_scaling(NAME, CONFIG, workers=workers)


def test_a_batch_that_workers_cannot_share_is_refused(two_cores):
    with pytest.raises(UsageError, match=r"A batch of 7 cannot be shared equally by 2 workers"):
        measure_scaling(NAME, dataclasses.replace(CONFIG, batch_size=7), workers=2)


@pytest.mark.slow
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="two workers need two cores")
def test_two_workers_are_timed_beside_one():
    measured = measure_scaling(NAME, CONFIG, workers=2, repeats=3)
    assert measured["workers"] == 2
    assert measured["speed_up"] == measured["one_worker_seconds"] / measured["median_seconds"]
    assert measured["all_reduce_share"] > 0 and 0 <= measured["hidden_share"] <= 1
    assert measured["gradient_megabytes"] > 0
