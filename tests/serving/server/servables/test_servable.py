"""A SavedModel in a Session: signatures, warm-up, and versions on disk."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from serving.server.servables import versions
from serving.server.servables.servable import Servable
from serving.server.servables.warmup import WARMUP_FILE, warm_up
from serving.server.status import StatusError
from tests.serving.server_process import floats, request


@pytest.fixture
def servable(models):
    servable = Servable(models / "sum" / "1")
    yield servable
    servable.close()


def test_it_runs_what_is_asked_for(servable):
    signature = servable.signature("")
    feeds = {"a": floats(1, 2), "b": floats(3, 4)}
    assert servable.run(signature, feeds)["sum"].tolist() == [4, 6]
    assert set(servable.run(signature, feeds, ["difference"])) == {"difference"}


def _write_warmup(folder: Path, *inputs: dict) -> None:
    path = folder / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for each in inputs:
            log = PredictionLog()
            log.predict_log.request.CopyFrom(request("sum", each))
            writer.write(log.SerializeToString())


def test_warm_up_replays_requests_and_a_failing_one_fails_the_load(servable, tmp_path):
    assert warm_up(servable) == 0
    servable.path = tmp_path
    good = {"a": floats(1), "b": floats(2)}
    _write_warmup(tmp_path, good, good)
    assert warm_up(servable) == 2
    _write_warmup(tmp_path, good, {"a": floats(1)})
    with pytest.raises(StatusError, match="Missing but required"):
        warm_up(servable)


@pytest.mark.parametrize("size", [0, 1, 11])
def test_a_warm_up_file_that_is_shorter_than_a_record_is_corrupt(servable, tmp_path, size):
    servable.path = tmp_path
    _write_warmup(tmp_path, {"a": floats(1), "b": floats(2)})
    path = tmp_path / WARMUP_FILE
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(StatusError, match=f"is cut off: .* found {size} bytes"):
        warm_up(servable)


def test_a_session_checks_what_serving_checks(servable):
    signature = servable.signature("")
    with pytest.raises(StatusError, match=r"arg\[1\] to be float but double"):
        servable.run(signature, {"a": floats(1), "b": np.ones(1)})
    with pytest.raises(tf.errors.InvalidArgumentError):
        servable.run(signature, {"a": floats(1, 2), "b": floats(1, 2, 3)})


def test_only_ascii_digits_name_a_version(tmp_path):
    names = ["1", "007", "٣", "²", "１２", "1a", "-1", "+2", " 3", "1_0", str(2**63), "9" * 200]
    for name in [*names, str(2**63 - 1)]:
        (tmp_path / name).mkdir()
    assert set(versions.on_disk(tmp_path)) == {1, 7, 2**63 - 1}


def _policy(**choice) -> versions.Policy:
    return versions.Policy(**choice)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (_policy(), {10}),
        (_policy(latest={"num_versions": 2}), {10, 9}),
        (_policy(all={}), {10, 9, 1}),
        (_policy(specific={"versions": [9, 4]}), {9}),
    ],
)
def test_policies(tmp_path, policy, expected):
    for name in ("1", "9", "10", "temporary", ".11", "²", "1" * 30):
        (tmp_path / name).mkdir()
    (tmp_path / "12").touch()
    assert set(versions.selected(versions.on_disk(tmp_path), policy)) == expected
