"""Which workers train together, and which of them this process is: from TF_CONFIG or from Slurm."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from t2i_tf.errors import UsageError

JOBS = ("chief", "worker")  # in the order of their ranks
_EXAMPLE = (
    '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'
)


@dataclass(frozen=True)
class Membership:
    """The workers of a training, and the place of this process among them.

    Args:
        addresses: "host:port" of each job's tasks, by the name of the job: `chief` or `worker`.
        job: Job of this process.
        task: Index of this process in its job.
    """

    addresses: Mapping[str, tuple[str, ...]]
    job: str
    task: int

    @property
    def count(self) -> int:
        """Number of workers, the chief included."""
        return sum(map(len, self.addresses.values()))

    @property
    def index(self) -> int:
        """Rank of this worker; the chief has rank 0."""
        before = JOBS[: JOBS.index(self.job)]
        return sum(len(self.addresses.get(job, ())) for job in before) + self.task

    @property
    def all_addresses(self) -> tuple[str, ...]:
        """The addresses of all workers by rank."""
        return tuple(address for job in JOBS for address in self.addresses.get(job, ()))


def find_membership(environment: Mapping[str, str]) -> Membership | None:
    """The workers that the environment names; None if this process trains alone.

    TF_CONFIG precedes Slurm's variables.

    Raises:
        UsageError: TF_CONFIG or Slurm's variables are malformed or contradict themselves.
    """
    if environment.get("TF_CONFIG", "").strip():
        found = _from_tf_config(environment["TF_CONFIG"])
    elif environment.get("SLURM_STEP_NUM_TASKS", "1") not in ("", "1") and (
        "SLURM_PROCID" in environment
    ):
        found = _from_slurm(environment)
    else:
        return None
    return found if found.count > 1 else None


def _from_tf_config(text: str) -> Membership:
    try:
        config = json.loads(text)
    except ValueError as error:
        raise UsageError(f"TF_CONFIG is not JSON ({error}). Expected {_EXAMPLE}.") from None
    cluster = config.get("cluster") if isinstance(config, dict) else None
    if not isinstance(cluster, dict) or not cluster:
        raise UsageError(f"TF_CONFIG names no cluster. Expected {_EXAMPLE}, or no TF_CONFIG.")
    for job in cluster:
        if job not in JOBS:
            raise UsageError(
                f"TF_CONFIG has the job {job!r} in its cluster. Expected only `worker`, and"
                " `chief` where it has one: training uses no parameter servers or evaluators."
            )
    addresses = {job: _addresses(job, hosts) for job, hosts in cluster.items()}
    if len(addresses.get("chief", ())) > 1:
        raise UsageError(
            f"TF_CONFIG has {len(addresses['chief'])} chiefs. Expected one: the others are workers."
        )
    membership = Membership(addresses, *_task(config.get("task"), addresses))
    repeated = membership.count - len(set(membership.all_addresses))
    if repeated:
        raise UsageError("TF_CONFIG gives two workers the same address. Each needs its own.")
    return membership


def _addresses(job: str, hosts: Any) -> tuple[str, ...]:
    if not isinstance(hosts, list) or not hosts:
        raise UsageError(f"TF_CONFIG lists no addresses of the job {job!r}. Expected {_EXAMPLE}.")
    for host in hosts:
        name, _, port = host.rpartition(":") if isinstance(host, str) else ("", "", "")
        if not name or not _is_number(port) or not 0 < int(port) < 65536:
            raise UsageError(
                f"TF_CONFIG has the address {host!r} in the job {job!r}. Expected host:port."
            )
    return tuple(hosts)


def _is_number(word: str) -> bool:
    """Whether a word is digits, in ASCII: TensorFlow reads no others."""
    return word.isascii() and word.isdecimal()


def _task(task: Any, addresses: Mapping[str, tuple[str, ...]]) -> tuple[str, int]:
    """Job and index of this process."""
    if not isinstance(task, dict) or not {"type", "index"} <= task.keys():
        raise UsageError(
            "TF_CONFIG does not say which worker this is. Expected a `task` with `type` and"
            f" `index`, as in {_EXAMPLE}."
        )
    job, index = task["type"], str(task["index"])
    if job not in addresses:
        raise UsageError(
            f"TF_CONFIG says that this is a {job!r}, but its cluster has only"
            f" {' and '.join(addresses)}."
        )
    if not _is_number(index) or int(index) >= len(addresses[job]):
        raise UsageError(
            f"TF_CONFIG says that this is {job} {index}, but its cluster has {len(addresses[job])}"
            f" of them: expected an index from 0 to {len(addresses[job]) - 1}."
        )
    return job, int(index)


def _from_slurm(environment: Mapping[str, str]) -> Membership:
    """The tasks of this job step, from the variables that TensorFlow's own resolver reads.

    The resolver sorts host names as text (node10 before node9) while Slurm ranks them as numbers,
    so that only its reading is used, not its order. Slurm itself gives each task its GPUs.
    """
    import tensorflow as tf  # slow, and needed under Slurm alone

    try:
        most = max(map(int, re.findall(r"\d+", environment["SLURM_STEP_TASKS_PER_NODE"])))
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
            gpus_per_node=most, gpus_per_task=1, auto_set_gpu=False
        )
        port = _slurm_port(environment)
        addresses = tuple(
            f"{host}:{port + task}"
            for host, tasks in resolver._task_configuration.items()
            for task in range(tasks)
        )
        count, rank = int(environment["SLURM_STEP_NUM_TASKS"]), int(environment["SLURM_PROCID"])
        if count != len(addresses) or not 0 <= rank < count:
            raise ValueError(
                f"SLURM_PROCID is {rank} and SLURM_STEP_NUM_TASKS {count}, but the nodes have"
                f" {len(addresses)} tasks"
            )
        return Membership({"worker": addresses}, "worker", rank)
    except (RuntimeError, ValueError, KeyError) as error:
        reason = str(error).rstrip(".")
        raise UsageError(
            f"Slurm's variables do not describe the workers: {reason}. Start them with `srun`, or"
            " set TF_CONFIG."
        ) from error


def _slurm_port(environment: Mapping[str, str]) -> int:
    """The first port of a node: two jobs that share a node get ports of their own."""
    return 20_000 + 64 * (int(environment.get("SLURM_JOB_ID") or 0) % 500)
