"""Joining requests, with a function in place of a model."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import grpc
import numpy as np
import pytest

from serving.server.servables.batching import Batcher
from serving.server.servables.batching_options import BatchingOptions
from serving.server.servables.signature import Signature
from serving.server.status import StatusError
from tests.patience import PATIENCE

SIGNATURE = Signature("serving_default", {}, {})


class Doubler:
    """Doubles x; refuses negative values, records its batches, and can be made to wait."""

    def __init__(self):
        self.batches: list[list[float]] = []
        self.may_run = threading.Event()
        self.may_run.set()

    def __call__(self, signature, feeds, outputs):
        self.may_run.wait(PATIENCE)
        self.batches.append(feeds["x"].ravel().tolist())
        if (feeds["x"] < 0).any():
            raise ValueError("negative")
        return {"y": 2 * feeds["x"]}


@pytest.fixture
def doubler():
    return Doubler()


@pytest.fixture
def batcher(doubler):
    batcher = Batcher(doubler, BatchingOptions(4, 100_000, 2, 1, (2, 4)))
    yield batcher
    doubler.may_run.set()
    batcher.close()


def _ask(batcher, *values, timeout=PATIENCE, dtype=np.float32):
    return batcher.run(SIGNATURE, {"x": np.array(values, dtype)}, ("y",), timeout)["y"].tolist()


def _ask_together(batcher, *requests):
    with ThreadPoolExecutor(len(requests)) as pool:
        return [
            future.exception() or future.result()
            for future in [pool.submit(_ask, batcher, *values) for values in requests]
        ]


def test_a_full_batch_does_not_wait(batcher, doubler):
    assert _ask_together(batcher, [1, 2], [3, 4]) == [[2, 4], [6, 8]]
    assert sorted(doubler.batches[0]) == [1, 2, 3, 4]


def test_a_batch_is_padded_with_its_first_row(batcher, doubler):
    assert _ask(batcher, 5) == [10]
    assert doubler.batches == [[5, 5]]


def test_a_faulty_request_fails_alone(batcher):
    results = _ask_together(batcher, [1], [-1], [3, 4])
    assert results[0] == [2] and results[2] == [6, 8]
    assert isinstance(results[1], ValueError)


def test_only_requests_of_one_kind_are_joined(batcher, doubler):
    with ThreadPoolExecutor(2) as pool:
        ints = pool.submit(_ask, batcher, 1, 2, dtype=np.int32)
        reals = pool.submit(_ask, batcher, 1.5, 2.5)
    assert (ints.result(), reals.result()) == ([2, 4], [3.0, 5.0])
    assert sorted(doubler.batches) == [[1, 2], [1.5, 2.5]]


def _expect(code, batcher, *values, **options):
    with pytest.raises(StatusError) as failure:
        _ask(batcher, *values, **options)
    assert failure.value.code is code


def test_refusals(batcher):
    _expect(grpc.StatusCode.INVALID_ARGUMENT, batcher, 1, 2, 3, 4, 5)
    with pytest.raises(StatusError):
        batcher.run(SIGNATURE, {"x": np.float32(1)}, ("y",))
    with pytest.raises(StatusError):
        batcher.run(SIGNATURE, {"x": np.ones(1), "z": np.ones(2)}, ("y",))


def test_a_full_queue_and_a_deadline(batcher, doubler):
    doubler.may_run.clear()
    with ThreadPoolExecutor(3) as pool:
        running = pool.submit(_ask, batcher, 1, 2, 3, 4)
        while batcher._tasks or not running.running():
            pass
        queued = [pool.submit(_ask, batcher, 1, 2, 3, 4) for _ in range(2)]
        while len(batcher._tasks) < 2:
            pass
        _expect(grpc.StatusCode.UNAVAILABLE, batcher, 1)
        doubler.may_run.set()
        assert [future.result() for future in (running, *queued)] == [[2, 4, 6, 8]] * 3
    doubler.may_run.clear()
    _expect(grpc.StatusCode.DEADLINE_EXCEEDED, batcher, 1, 2, 3, 4, timeout=0.05)


def test_a_request_whose_client_went_away_leaves_the_queue(doubler):
    options = BatchingOptions(1, 0, max_enqueued_batches=1, num_batch_threads=1)
    batcher, calls = Batcher(doubler, options), []

    def on_end(call) -> bool:
        calls.append(call)
        return True

    doubler.may_run.clear()
    with ThreadPoolExecutor(3) as threads:
        send = partial(threads.submit, batcher.run, SIGNATURE)
        first = send({"x": np.ones(1)}, ("y",), None, on_end)
        while not calls or batcher._tasks:  # until it runs
            time.sleep(0.01)
        waiting = send({"x": np.full(1, 2.0)}, ("y",), None, on_end)
        while len(calls) < 2:
            time.sleep(0.01)
        calls[1]()  # as gRPC does when a client cancels
        with pytest.raises(StatusError) as error:
            waiting.result(PATIENCE)
        assert error.value.code is grpc.StatusCode.CANCELLED
        other = send({"x": np.full(1, 3.0)}, ("y",))
        while not batcher._tasks or batcher._tasks[-1].feeds["x"][0] != 3:
            time.sleep(0.01)  # there is room for it in a queue of one
        doubler.may_run.set()
        assert first.result(PATIENCE)["y"] == 2 and other.result(PATIENCE)["y"] == 6
    batcher.close()
    assert doubler.batches == [[1.0], [3.0]]


def test_a_client_that_is_gone_already_is_not_waited_for(doubler):
    batcher = Batcher(doubler, BatchingOptions(4, 10_000_000, num_batch_threads=1))
    with pytest.raises(StatusError) as error:
        batcher.run(SIGNATURE, {"x": np.ones(1)}, ("y",), None, lambda call: False)
    assert error.value.code is grpc.StatusCode.CANCELLED
    batcher.close()
    assert doubler.batches == []
