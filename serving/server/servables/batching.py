"""Joins requests: callers wait while a few threads run their feeds as one batch.

The parameters are TensorFlow Serving's, the behaviour differs in two points. Requests are joined
only where their dtypes and row shapes agree. And where a batch fails, its requests run again one by
one, so that a faulty request fails alone.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field

import grpc
import numpy as np

from serving.server.servables.batching_options import BatchingOptions
from serving.server.servables.signature import Signature
from serving.server.status import StatusError, invalid_argument

Arrays = dict[str, np.ndarray]
Run = Callable[[Signature, Arrays, tuple[str, ...]], Arrays]
OnEnd = Callable[[Callable[[], object]], bool]
"""Registers a function to be called when the request ends, however it does; False if it has."""


@dataclass(eq=False)
class _Task:
    signature: Signature
    feeds: Arrays
    outputs: tuple[str, ...]
    rows: int
    future: Future = field(default_factory=Future)
    arrived: float = field(default_factory=time.monotonic)

    def key(self) -> tuple:
        """Tasks of equal key may share a batch."""
        shapes = tuple((array.dtype, array.shape[1:]) for array in self.feeds.values())
        return self.signature.name, self.outputs, shapes


class Batcher:
    """A queue in front of `run`, and the threads that empty it.

    Args:
        run: Computes the outputs of one batch; called from several threads.
        options: How requests are joined.
    """

    def __init__(self, run: Run, options: BatchingOptions):
        self._run_batch = run
        self._options = options
        self._tasks: deque[_Task] = deque()
        self._changed = threading.Condition()  # guards `_tasks` and `_closed`
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
        on_end: OnEnd | None = None,
    ) -> Arrays:
        """The outputs of one request, computed in the batch that it joins.

        Raises:
            StatusError: INVALID_ARGUMENT where the request is larger than a batch or has no batch
                dimension, UNAVAILABLE where the queue is full, DEADLINE_EXCEEDED after `timeout`
                seconds, CANCELLED where the client went away before its batch started.
        """
        rows = _rows(feeds)
        if rows == 0:  # no first row to fill a batch with
            return self._run_batch(signature, feeds, outputs)
        task = _Task(signature, feeds, outputs, rows)
        self._enqueue(task)
        if on_end and not on_end(task.future.cancel):
            task.future.cancel()
        try:
            return task.future.result(timeout)
        except CancelledError as error:
            raise StatusError(grpc.StatusCode.CANCELLED, "Cancelled") from error
        except TimeoutError as error:
            task.future.cancel()  # where its batch has not started, it is not computed at all
            raise StatusError(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded") from error

    def close(self) -> None:
        """Run the queued requests, then stop the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _enqueue(self, task: _Task) -> None:
        limit = self._options.max_batch_size
        if task.rows > limit:
            raise invalid_argument(
                f"Task size {task.rows} is larger than maximum input batch size {limit}"
            )
        with self._changed:
            # Those whose clients went away take no room in the queue or in a batch.
            self._tasks = deque(each for each in self._tasks if not each.future.cancelled())
            queued = sum(waiting.rows for waiting in self._tasks)
            if queued + task.rows > limit * self._options.max_enqueued_batches:
                raise StatusError(
                    grpc.StatusCode.UNAVAILABLE,
                    "The batch scheduling queue to which this task was submitted is full",
                )
            self._tasks.append(task)
            self._changed.notify()

    def _work(self) -> None:
        while batch := self._next_batch():
            # From here on a task can no longer be cancelled; those that were are dropped.
            running = [task for task in batch if task.future.set_running_or_notify_cancel()]
            self._answer(running)

    def _next_batch(self) -> list[_Task]:
        """Waits for a batch that is full or has waited long enough; [] once closed and empty."""
        with self._changed:
            while True:
                batch = self._ready_batch()
                if batch:
                    for task in batch:
                        self._tasks.remove(task)
                    return batch
                if self._closed and not self._tasks:
                    return []
                self._changed.wait(self._seconds_left())

    def _ready_batch(self) -> list[_Task]:
        """The oldest task and those that may join it; [] where they may still wait for more."""
        if not self._tasks:
            return []
        key, rows, batch = self._tasks[0].key(), 0, []
        for task in self._tasks:
            if task.key() != key:
                continue
            if rows + task.rows > self._options.max_batch_size:
                return batch
            batch.append(task)
            rows += task.rows
        full = rows == self._options.max_batch_size
        return batch if full or self._closed or self._seconds_left() <= 0 else []

    def _seconds_left(self) -> float | None:
        """Until the oldest task has waited for `batch_timeout_micros`; None without tasks."""
        if not self._tasks:
            return None
        waited = time.monotonic() - self._tasks[0].arrived
        return max(0.0, self._options.batch_timeout_micros / 1e6 - waited)

    def _answer(self, tasks: list[_Task]) -> None:
        try:
            results = self._run_joined(tasks) if tasks else []
        except Exception as error:
            if len(tasks) == 1:
                # The traceback's frames hold the batch, the batch holds the future, and the future
                # would hold the traceback: a cycle that keeps the request's arrays alive.
                tasks[0].future.set_exception(error.with_traceback(None))
                return
            for task in tasks:  # one by one: only the faulty requests fail
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
    """B, the size of dimension 0 of every input. Raises INVALID_ARGUMENT where they differ."""
    if any(array.ndim == 0 for array in feeds.values()):
        raise invalid_argument(
            "Batching session Run() input tensors must have at least one dimension."
        )
    sizes = {len(array) for array in feeds.values()}
    if len(sizes) > 1:
        raise invalid_argument(
            "Batching session Run() input tensors must have equal 0th-dimension size."
        )
    return sizes.pop() if sizes else 0


def _join(arrays: Sequence[np.ndarray], size: int) -> np.ndarray:
    """Arrays joined along dimension 0, filled up to `size` rows by repeating the first row.

    A row of zeros could be an input that the model refuses; the first row is a client's own.
    """
    missing = size - sum(len(array) for array in arrays)
    return np.concatenate([*arrays, *[arrays[0][:1]] * missing])


def _check_outputs(outputs: Arrays, rows: int) -> None:
    for name, array in outputs.items():
        if array.ndim == 0 or len(array) != rows:
            raise StatusError(
                grpc.StatusCode.FAILED_PRECONDITION,
                f"Batched output {name} has 0th dimension unequal to the batch of {rows}.",
            )
