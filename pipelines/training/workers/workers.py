"""The workers of one training: how they join, agree, and leave together.

What workers tell each other outside the training step goes through the coordination service that
`MultiWorkerMirroredStrategy` starts: keys and values on the chief, and heartbeats by which a lost
worker is noticed.
"""

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import tensorflow as tf
from tensorflow.compiler.xla.tsl.protobuf import coordination_config_pb2
from tensorflow.python.eager import context

from pipelines.data.batches.replica_shares import ReplicaRange, replica_shares
from pipelines.training.devices import strategy
from pipelines.training.workers.membership import Membership
from t2i_tf.errors import UserError

HEARTBEAT_SECONDS = 40  # without a sign of life for so long, a worker is lost
JOIN_SECONDS = 600  # until all workers have started
SEEN_SECONDS = 60  # until a file of the chief is seen by all: NFS caches folders for up to 60 s
_POLL_MILLISECONDS = 1_000

Value = TypeVar("Value")


class LostWorkerError(UserError):
    """Another worker ended or cannot be reached. The state is saved up to the last checkpoint."""

    exit_code = os.EX_TEMPFAIL  # 75: "try again", as schedulers understand it


class Workers:
    """The workers of a training. One that trains alone is a group of one."""

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

    def see(self, path: Path) -> None:
        """Waits until a file that the chief wrote is there; UserError if it does not come."""

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
        self.membership = membership
        self.index, self.count = membership.index, membership.count
        self._calls = 0
        self._failure: Exception | None = None
        with _interruptible():
            self.strategy = _multi_worker_strategy(membership)

    def chief_does(self, action):  # noqa: D102
        self._calls += 1
        if self.is_chief:
            self._tell(action)
        return self._answer_of(0)

    def gather(self, action):  # noqa: D102
        self._calls += 1
        self._tell(action)
        return [self._answer_of(rank) for rank in range(self.count)]

    def after_chief(self, action):  # noqa: D102
        made = []

        def once():
            if not made:
                made.append(action())

        self.chief_does(once)
        self.gather(once)
        return made[0]

    def share(self, batches):  # noqa: D102
        return self.strategy.distribute_datasets_from_function(
            lambda _: replica_shares(batches, self.replicas)
        )

    def check_equal(self, facts):  # noqa: D102
        chief, *others = self.gather(lambda: dict(facts))
        for rank, other in enumerate(others, start=1):
            names = [name for name in chief if other.get(name) != chief[name]]
            if names:
                raise UserError(_difference(rank, names, chief, other))

    def see(self, path):  # noqa: D102
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
    def together(self):  # noqa: D102
        try:
            yield
            self._barrier("end")
        except tf.errors.OpError as error:
            if not _means_lost(error):
                raise
            raise LostWorkerError(_reason(error)) from error

    def _barrier(self, name: str) -> None:
        context.context().wait_at_barrier(name, 1000 * HEARTBEAT_SECONDS)

    def _tell(self, action: Callable[[], Any]) -> None:
        """Calls `action`, and tells all workers what it returns or why it fails."""
        try:
            answer = {"value": action()}
        except (UserError, OSError) as error:
            answer = {"error": str(error), "code": getattr(error, "exit_code", 1)}
            self._failure = error
        context.context().set_config_key_value(self._key(self.index), json.dumps(answer))

    def _answer_of(self, rank: int) -> Any:
        """What a worker told in this call; its failure is raised here too."""
        answer = json.loads(self._read(self._key(rank)))
        if "error" not in answer:
            return answer["value"]
        if rank == self.index:
            raise self._failure
        error = UserError(f"Worker {rank} ends the training: {answer['error']}")
        error.exit_code = answer["code"]
        raise error

    def _key(self, rank: int) -> str:
        return f"t2i/{self._calls}/{rank}"

    def _read(self, key: str) -> str:
        while True:  # in short waits, so that Ctrl-C is heard
            try:
                return context.context().get_config_key_value(key, _POLL_MILLISECONDS)
            except tf.errors.DeadlineExceededError:
                continue


def _difference(rank: int, names: list[str], chief: Mapping, other: Mapping) -> str:
    each = (
        f"{name} is {chief[name]} at worker 0, {other.get(name)} at worker {rank}" for name in names
    )
    return (
        f"Worker {rank} does not train the same as worker 0: {'; '.join(each)}. All workers need"
        " the same code, data and settings."
    )


def _means_lost(error: tf.errors.OpError) -> bool:
    return isinstance(
        error,
        tf.errors.UnavailableError
        | tf.errors.AbortedError
        | tf.errors.CancelledError
        | tf.errors.DeadlineExceededError
        | tf.errors.InternalError
        | tf.errors.FailedPreconditionError,
    )


def _reason(error: tf.errors.OpError) -> str:
    return str(error.message).splitlines()[0]


def _multi_worker_strategy(membership: Membership) -> tf.distribute.Strategy:
    jobs = [
        coordination_config_pb2.CoordinatedJob(name=job, num_tasks=len(addresses))
        for job, addresses in membership.addresses.items()
    ]
    leader = "chief" if "chief" in membership.addresses else "worker"
    # Otherwise the strategy configures it, with other times.
    context.context().configure_coordination_service(
        service_type="standalone",
        service_leader=f"/job:{leader}/replica:0/task:0",
        cluster_register_timeout_in_ms=1000 * JOIN_SECONDS,
        heartbeat_timeout_in_ms=1000 * HEARTBEAT_SECONDS,
        coordinated_jobs=jobs,
    )
    cluster = tf.train.ClusterSpec({k: list(v) for k, v in membership.addresses.items()})
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        cluster, task_type=membership.job, task_id=membership.task, rpc_layer="grpc"
    )
    return tf.distribute.MultiWorkerMirroredStrategy(resolver)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Lets Ctrl-C end the process while TensorFlow waits for the other workers."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
