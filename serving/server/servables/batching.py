"""Joining requests: callers wait while a few threads run their feeds as one batch.

Parameters are TensorFlow Serving's. Two things are kinder here: requests are joined only when their
dtypes and row shapes agree, and when a batch fails its requests are run again one by one, so that a
request's fault is its own.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import grpc
import numpy as np

from serving.server.servables.batching_options import BatchingOptions
from serving.server.servables.signature import Signature
from serving.server.status import Failure, invalid

Arrays = dict[str, np.ndarray]
Run = Callable[[Signature, Arrays, tuple[str, ...]], Arrays]


@dataclass(eq=False)
class _Task:
    signature: Signature
    feeds: Arrays
    outputs: tuple[str, ...]
    rows: int
    future: Future = field(default_factory=Future)
    arrived: float = field(default_factory=time.monotonic)

    def kind(self) -> tuple:
        """Tasks of equal kind may share a batch."""
        shapes = tuple((array.dtype, array.shape[1:]) for array in self.feeds.values())
        return self.signature.name, self.outputs, shapes


class Batcher:
    """A queue in front of `run`, and the threads that empty it."""

    def __init__(self, run: Run, options: BatchingOptions):
        self._run_batch = run
        self._options = options
        self._tasks: deque[_Task] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name="batching", daemon=True)
            for _ in range(options.num_batch_threads)
        ]
        for thread in self._threads:
            thread.start()

    def run(
        self,
        signature: Signature,
        feeds: Arrays,
        outputs: tuple[str, ...],
        timeout: float | None = None,
    ) -> Arrays:
        """The outputs of one request, computed in whichever batch takes it.

        Raises UNAVAILABLE when the queue is full, DEADLINE_EXCEEDED after `timeout` seconds.
        """
        rows = _rows(feeds)
        if rows == 0:
            return self._run_batch(signature, feeds, outputs)
        task = _Task(signature, feeds, outputs, rows)
        self._enqueue(task)
        try:
            return task.future.result(timeout)
        except TimeoutError as error:
            task.future.cancel()
            raise Failure(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded") from error

    def close(self) -> None:
        """Run what is queued, then end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _enqueue(self, task: _Task) -> None:
        limit = self._options.max_batch_size
        if task.rows > limit:
            raise invalid(f"Task size {task.rows} is larger than maximum input batch size {limit}")
        with self._changed:
            queued = sum(waiting.rows for waiting in self._tasks)
            if queued + task.rows > limit * self._options.max_enqueued_batches:
                raise Failure(
                    grpc.StatusCode.UNAVAILABLE,
                    "The batch scheduling queue to which this task was submitted is full",
                )
            self._tasks.append(task)
            self._changed.notify()

    def _work(self) -> None:
        while batch := self._next_batch():
            claimed = [task for task in batch if task.future.set_running_or_notify_cancel()]
            self._answer(claimed)

    def _next_batch(self) -> list[_Task]:
        """The oldest tasks that go together, once full or old enough. Empty when closed."""
        with self._changed:
            while True:
                batch = self._ripe()
                if batch:
                    for task in batch:
                        self._tasks.remove(task)
                    return batch
                if self._closed and not self._tasks:
                    return []
                self._changed.wait(self._seconds_to_ripeness())

    def _ripe(self) -> list[_Task]:
        if not self._tasks:
            return []
        kind, rows, batch = self._tasks[0].kind(), 0, []
        for task in self._tasks:
            if task.kind() != kind:
                continue
            if rows + task.rows > self._options.max_batch_size:
                return batch
            batch.append(task)
            rows += task.rows
        full = rows == self._options.max_batch_size
        return batch if full or self._closed or self._seconds_to_ripeness() <= 0 else []

    def _seconds_to_ripeness(self) -> float | None:
        if not self._tasks:
            return None
        waited = time.monotonic() - self._tasks[0].arrived
        return max(0.0, self._options.batch_timeout_micros / 1e6 - waited)

    def _answer(self, tasks: list[_Task]) -> None:
        try:
            results = self._run_joined(tasks) if tasks else []
        except Exception as error:
            if len(tasks) == 1:
                # without the frames, which hold the batch, and it the future: a cycle
                tasks[0].future.set_exception(error.with_traceback(None))
                return
            for task in tasks:
                self._answer([task])
            return
        for task, result in zip(tasks, results, strict=True):
            task.future.set_result(result)

    def _run_joined(self, tasks: list[_Task]) -> list[Arrays]:
        first, rows = tasks[0], sum(task.rows for task in tasks)
        size = self._options.padded(rows)
        feeds = {name: _join([task.feeds[name] for task in tasks], size) for name in first.feeds}
        outputs = self._run_batch(first.signature, feeds, first.outputs)
        _check_outputs(outputs, size)
        ends = np.cumsum([task.rows for task in tasks])
        return [
            {name: array[end - task.rows : end] for name, array in outputs.items()}
            for task, end in zip(tasks, ends, strict=True)
        ]


def _rows(feeds: Arrays) -> int:
    """B, dimension 0 of every input. Raises INVALID_ARGUMENT where there is none."""
    if any(array.ndim == 0 for array in feeds.values()):
        raise invalid("Batching session Run() input tensors must have at least one dimension.")
    sizes = {len(array) for array in feeds.values()}
    if len(sizes) > 1:
        raise invalid("Batching session Run() input tensors must have equal 0th-dimension size.")
    return sizes.pop() if sizes else 0


def _join(arrays: Sequence[np.ndarray], size: int) -> np.ndarray:
    """Arrays along dimension 0, filled up to `size` rows with the first row: a valid one."""
    missing = size - sum(len(array) for array in arrays)
    return np.concatenate([*arrays, *[arrays[0][:1]] * missing])


def _check_outputs(outputs: Arrays, rows: int) -> None:
    for name, array in outputs.items():
        if array.ndim == 0 or len(array) != rows:
            raise Failure(
                grpc.StatusCode.FAILED_PRECONDITION,
                f"Batched output {name} has 0th dimension unequal to the batch of {rows}.",
            )
