"""Joins the workers that TF_CONFIG or Slurm name."""

from collections.abc import Callable, Mapping

from pipelines.training.workers.membership import find_membership
from pipelines.training.workers.workers import WorkerGroup, Workers


def join_workers(environment: Mapping[str, str], say: Callable[[str], object]) -> Workers:
    """The workers that the environment names, once all have started; else this machine alone.

    It has to come before anything else that TensorFlow computes.

    Raises:
        UsageError: the environment contradicts itself.
        LostWorkerError: a worker did not start in time.
    """
    membership = find_membership(environment)
    if membership is None:
        return Workers()
    chief = membership.all_addresses[0]
    say(f"Worker {membership.index} of {membership.count}: waits for all; the chief is {chief}.")
    group = WorkerGroup(membership)
    say(f"All {membership.count} workers are here, {group.replicas.all} replicas in all.")
    return group
