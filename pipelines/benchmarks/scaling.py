"""Times a training step on one worker and on several, each a process on cores of its own."""

import json
import os
import socket
import subprocess
import sys
from typing import Any

from t2i_tf.config import TrainConfig
from t2i_tf.errors import UsageError, UserError

WORKER = "pipelines.benchmarks.scaling_worker"


def measure_scaling(
    preset_name: str, config: TrainConfig, *, workers: int = 2, repeats: int = 10
) -> dict[str, Any]:
    """Median seconds of a step of the same batch on one worker and on several on this machine.

    Args:
        preset_name: Preset of the model.
        config: Its config, with the batch size of all workers together.
        workers: Number of workers; each gets an equal part of the cores.
        repeats: Timed rounds after the warm-up.

    Returns:
        `one_worker_seconds` and `median_seconds` of a step; `speed_up`, their ratio, and
        `efficiency`, its share of the number of workers; of a step on several workers
        `compute_seconds`, the gradients of a worker's part alone, `all_reduce_seconds`, the sum of
        gradients over the workers alone, and `all_reduce_share` of the step; `hidden_share`, the
        part of the sum that overlaps with other work; `gradient_megabytes`, what a worker adds to
        the sum; `cores_per_worker`.

    Raises:
        UsageError: there are fewer cores than workers, or the batch cannot be shared.
        UserError: a worker failed.
    """
    cores = sorted(os.sched_getaffinity(0))
    if not 2 <= workers <= len(cores):
        raise UsageError(
            f"--workers {workers}: expected 2 to {len(cores)}, the number of cores of this machine."
        )
    if config.batch_size % workers:
        raise UsageError(
            f"A batch of {config.batch_size} cannot be shared equally by {workers} workers: give"
            " another --batch-size."
        )
    each = len(cores) // workers
    groups = [cores[k * each : (k + 1) * each] for k in range(workers)]
    work = {"preset": preset_name, "batch_size": config.batch_size, "repeats": repeats}
    one = _run(work, groups[:1])
    several = _run(work, groups)
    step, alone = several["step"], one["step"]
    compute, reduce = several["compute"], several["all_reduce"]
    rest = one["step"] - one["compute"]  # the optimizer, which every worker runs in full
    exposed = min(max(step - compute - rest, 0.0), reduce)
    return {
        "workers": workers,
        "cores_per_worker": each,
        "one_worker_seconds": alone,
        "median_seconds": step,
        "speed_up": alone / step,
        "efficiency": alone / step / workers,
        "compute_seconds": compute,
        "all_reduce_seconds": reduce,
        "all_reduce_share": reduce / step,
        "hidden_share": 1 - exposed / reduce,
        "gradient_megabytes": several["gradient_bytes"] / 1e6,
    }


def _run(work: dict[str, Any], groups: list[list[int]]) -> dict[str, float]:
    """What the chief of a group of workers measures, each on the cores that are given."""
    addresses = _free_addresses(len(groups))
    processes = []
    for rank, cores in enumerate(groups):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": rank}}
        environment = os.environ | {"TF_CONFIG": json.dumps(task)}
        words = [sys.executable, "-m", WORKER, json.dumps(work | {"cores": cores})]
        processes.append(
            subprocess.Popen(
                words,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    outputs = [process.communicate() for process in processes]
    for process, (_, errors) in zip(processes, outputs, strict=True):
        if process.returncode:
            last = errors.strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
            raise UserError(f"A worker of the benchmark failed: {last[0]}")
    return json.loads(outputs[0][0].strip().splitlines()[-1])


def _free_addresses(count: int) -> list[str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return addresses
