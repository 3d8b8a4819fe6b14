"""The workers of one training: how they join, agree, and leave together."""

import contextlib
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import tensorflow as tf

from pipelines.data.batches.replica_shares import ReplicaRange, replica_shares
from pipelines.training.devices import strategy
from pipelines.training.workers.coordination import (
    FAIL_SECONDS,
    Coordination,
    means_lost,
    multi_worker_strategy,
    reason,
)
from pipelines.training.workers.exchange import Exchange
from pipelines.training.workers.membership import Membership
from t2i_tf.errors import UserError

SEEN_SECONDS = 70  # until a file of the chief is seen by all: NFS caches folders for up to 60 s

Value = TypeVar("Value")


class LostWorkerError(UserError):
    """Another worker ended or cannot be reached. All is saved up to the last checkpoint."""

    exit_code = os.EX_TEMPFAIL  # 75: "try again later", for schedulers


class Workers:
    """The workers of a training. A machine that trains alone is a group of one."""

    def __init__(self):
        self.index, self.count = 0, 1
        self.strategy = strategy()

    @property
    def is_chief(self) -> bool:
        """Whether this worker is the one that writes."""
        return self.index == 0

    @property
    def replicas(self) -> ReplicaRange:
        """The replicas of this worker among all: one for each GPU, or the CPU."""
        everywhere = self.strategy.num_replicas_in_sync
        own = everywhere // self.count
        return ReplicaRange(self.index * own, own, everywhere)

    def chief_does(self, action: Callable[[], Value]) -> Value:
        """What `action` returns on the chief, which alone calls it, on every worker.

        Args:
            action: Returns a value that JSON can hold. What it raises as a UserError or OSError is
                raised on every worker.
        """
        return action()

    def gather(self, action: Callable[[], Value]) -> list[Value]:
        """What `action` returns on every worker, by rank; the arguments are as in `chief_does`."""
        return [action()]

    def after_chief(self, action: Callable[[], Any]) -> Any:
        """What `action` returns on this worker, called when the chief's call is done.

        So the chief makes files that the others then read. The value may be of any kind.
        """
        return action()

    def share(self, batches: tf.data.Dataset) -> Any:
        """What `fit` reads on this worker: its part of each batch."""
        return batches

    def check_equal(self, facts: Mapping[str, Any]) -> None:
        """Checks that all workers have the same facts; UserError with those that differ."""
        chief, *others = self.gather(lambda: dict(facts))
        for rank, other in enumerate(others, start=1):
            names = [name for name in chief if other.get(name) != chief[name]]
            if names:
                raise UserError(_difference(rank, names, chief, other))

    def see(self, path: Path) -> None:
        """Waits until a file that the chief wrote is there; UserError if it does not come."""
        deadline = time.monotonic() + SEEN_SECONDS
        while not path.exists():
            if time.monotonic() > deadline:
                raise UserError(
                    f"{path}, which the chief wrote, is not there. All workers need the same work"
                    " folder: put --workdir on a disk that they share."
                )
            with contextlib.suppress(OSError):
                os.listdir(path.parent)  # makes NFS look again
            time.sleep(0.1)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """A training after which no worker leaves before the others are done.

        Raises:
            LostWorkerError: another worker ended or cannot be reached.
        """
        yield


class WorkerGroup(Workers):
    """Several workers; all of them have to call the same methods in the same order.

    Args:
        membership: The workers, and which of them this is.

    Raises:
        LostWorkerError: a worker did not start in time.
    """

    def __init__(self, membership: Membership):
        self.index, self.count = membership.index, membership.count
        self._coordination = Coordination()
        with _interruptible(), _loss_reported():
            try:
                self.strategy = multi_worker_strategy(membership)
            except tf.errors.UnknownError as error:  # from the server of this worker
                raise UserError(
                    f"This worker cannot listen at {membership.all_addresses[self.index]}. Expected"
                    " an address of this machine with a free port: end what uses the port, or give"
                    " all workers another one."
                ) from error
        exchange = Exchange(self.index, self.count, self._coordination)
        self.chief_does = exchange.chief_does
        self.gather = exchange.gather
        self.after_chief = exchange.after_chief

    def share(self, batches):  # noqa: D102
        return self.strategy.distribute_datasets_from_function(
            lambda _: replica_shares(batches, self.replicas)
        )

    @contextlib.contextmanager
    def together(self):  # noqa: D102
        with _loss_reported():
            try:
                yield
            except UserError:
                # Most errors come to all workers: none is to take the others for lost.
                with contextlib.suppress(tf.errors.OpError):
                    self._coordination.leave(self.index, self.count, FAIL_SECONDS)
                raise
            self._coordination.leave(self.index, self.count)


@contextlib.contextmanager
def _loss_reported() -> Iterator[None]:
    try:
        yield
    except tf.errors.OpError as error:
        if not means_lost(error):
            raise
        command = shlex.join(["python", *sys.orig_argv[1:]])
        raise LostWorkerError(
            f"Another worker ended or cannot be reached{reason(error)}. Start all workers again"
            f" with the same command, and the training resumes at the last checkpoint: {command}"
        ) from error


def _difference(rank: int, names: list[str], chief: Mapping, other: Mapping) -> str:
    each = (f"{name} is {chief[name]} at worker 0, {other.get(name)} there" for name in names)
    return (
        f"Worker {rank} does not train the same as worker 0: {'; '.join(each)}. All workers need"
        " the same code, data and settings."
    )


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Lets Ctrl-C end the process while TensorFlow waits for the other workers."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
