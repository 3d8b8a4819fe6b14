"""`cluster train`: the command `train` on the workers of a Ray cluster, restarted by Ray Train."""

import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from pipelines.cluster.child_process import Command, run_command
from t2i_tf.errors import UserError

FINAL = (0, 1, 2)  # exit codes after which another try would end the same


def train_on_ray(
    ray: ModuleType,
    arguments: Sequence[str],
    workdir: Path,
    *,
    workers: int,
    gpus_per_worker: int = 0,
    retries: int = 3,
) -> int:
    """Trains on several workers, and starts them all again if one is lost.

    Args:
        ray: Ray, connected.
        arguments: Words of the command line `train ...`.
        workdir: Work folder of the run, on a disk that all nodes share; Ray's own state is kept
            beside it.
        workers: Number of workers.
        gpus_per_worker: GPUs of each.
        retries: How often the workers are started again.

    Returns:
        The exit code of `train`.

    Raises:
        UserError: the workers were lost more often, or Ray cannot place them.
    """
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.tensorflow import TensorflowTrainer

    workdir = Path(workdir).absolute()
    resources = {"CPU": 1, **({"GPU": gpus_per_worker} if gpus_per_worker else {})}
    _check_resources(ray, workers, resources)
    trainer = TensorflowTrainer(
        train_worker,
        train_loop_config={"command": tuple(Command.here(arguments))},
        scaling_config=ScalingConfig(
            num_workers=workers, use_gpu=gpus_per_worker > 0, resources_per_worker=resources
        ),
        run_config=RunConfig(
            name=f"{workdir.name}-{time.strftime('%Y%m%d-%H%M%S')}",
            storage_path=f"{workdir}-ray",
            failure_config=FailureConfig(max_failures=retries),
        ),
    )
    try:
        result = trainer.fit()
    except ray.train.v2.api.exceptions.TrainingFailedError as error:
        raise UserError(
            f"The training was lost {retries + 1} times: {_last_line(error)} The same command"
            f" resumes it at the last checkpoint of {workdir}."
        ) from error
    return result.return_value


def train_worker(config: dict[str, Any]) -> int:
    """One worker of Ray Train, which has set TF_CONFIG: runs `train` as a process of its own.

    Returns:
        The exit code of the command, if another try would end the same.

    Raises:
        RuntimeError: it ended with another, so that Ray starts all workers again.
    """
    from ray import train

    ended = run_command(Command(*config["command"]))
    if ended.code not in FINAL:
        rank = train.get_context().get_world_rank()
        raise RuntimeError(f"Worker {rank} ended with exit code {ended.code}.")
    return ended.code


def _check_resources(ray: ModuleType, workers: int, resources: dict[str, int]) -> None:
    """Refuses what the cluster will never have, for which Ray would wait without end."""
    total = ray.cluster_resources()
    for name, each in resources.items():
        if workers * each > total.get(name, 0):
            raise UserError(
                f"{workers} workers with {each} {name} each need {workers * each}, the Ray cluster"
                f" has {total.get(name, 0):g}. Give fewer --workers, or add nodes."
            )


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
