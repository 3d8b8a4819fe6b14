"""TensorFlow's multi-worker strategy, and the coordination service that it starts on the chief.

The service holds keys and values that all workers share, and expects a heartbeat from each. When
one stops, the service notifies the others, whose pending all-reduces then fail.
"""

import contextlib
import math
import time

import tensorflow as tf
from tensorflow.compiler.xla.tsl.protobuf import coordination_config_pb2
from tensorflow.python.eager import context

from pipelines.training.workers.membership import Membership

# Without a heartbeat for so long, a worker is lost: more than a cut of 30 s, less than a minute.
HEARTBEAT_SECONDS = 40
JOIN_SECONDS = 600  # until all workers have started
MEET_SECONDS = 600  # until all workers have reached the end
FAIL_SECONDS = 10  # until all workers have failed, where they fail alike
LEAVE_SECONDS = 30  # until all but the chief have left it
_WAIT_MILLISECONDS = 1_000  # for a key at a time, so that Ctrl-C is heard

_TELLING = ("socket closed", "connect", "heartbeat", "unavailable", "coordination", "aborted")
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
    tf.errors.FailedPreconditionError,
)


def means_lost(error: tf.errors.OpError) -> bool:
    """Whether an error of a group of workers is how TensorFlow reports a lost one."""
    return isinstance(error, _LOST)


def reason(error: tf.errors.OpError) -> str:
    """What such an error says of the cause, in brackets; "" if it says nothing of use."""
    lines = [line.strip() for line in str(error.message).splitlines()]
    telling = [line for line in lines if any(word in line.lower() for word in _TELLING)]
    return f" ({telling[0].split('. ')[0][:160]})" if telling else ""


class Coordination:
    """The coordination service of a running strategy, as a `Store` with a meeting point."""

    def put(self, key: str, value: str) -> None:
        """Sets a key that has no value yet."""
        context.context().set_config_key_value(key, value)

    def get(self, key: str, seconds: float = math.inf) -> str:
        """The value of a key, as soon as some worker has set it.

        Raises:
            tf.errors.DeadlineExceededError: none has within so many seconds.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                return context.context().get_config_key_value(key, _WAIT_MILLISECONDS)
            except tf.errors.DeadlineExceededError:
                if time.monotonic() > deadline:
                    raise

    def leave(self, index: int, count: int, seconds: int = MEET_SECONDS) -> None:
        """Waits until all workers are here, and lets the chief, which runs the service, go last.

        Raises:
            tf.errors.OpError: they are not within so many seconds.
        """
        context.context().wait_at_barrier("t2i/end", 1000 * seconds)
        with contextlib.suppress(tf.errors.OpError):  # a worker may go before it is answered
            if index:
                self.put(f"t2i/left/{index}", "")
                return
            for rank in range(1, count):
                self.get(f"t2i/left/{rank}", LEAVE_SECONDS)


def multi_worker_strategy(membership: Membership) -> tf.distribute.Strategy:
    """The strategy of this worker, once all workers have started."""
    jobs = [
        coordination_config_pb2.CoordinatedJob(name=job, num_tasks=len(addresses))
        for job, addresses in membership.addresses.items()
    ]
    leader = "chief" if "chief" in membership.addresses else "worker"
    # The strategy would configure the service with times of its own, if it were not yet.
    context.context().configure_coordination_service(
        service_type="standalone",
        service_leader=f"/job:{leader}/replica:0/task:0",
        cluster_register_timeout_in_ms=1000 * JOIN_SECONDS,
        heartbeat_timeout_in_ms=1000 * HEARTBEAT_SECONDS,
        coordinated_jobs=jobs,
    )
    cluster = tf.train.ClusterSpec(
        {job: list(hosts) for job, hosts in membership.addresses.items()}
    )
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        cluster, task_type=membership.job, task_id=membership.task, rpc_layer="grpc"
    )
    return tf.distribute.MultiWorkerMirroredStrategy(resolver)
