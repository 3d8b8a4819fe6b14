"""How fast batches are made, per CPU second, in each mode."""

import time
from collections.abc import Iterator
from itertools import islice
from statistics import median

from pipelines.data.batches.batch_plan import BatchPlan
from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import DataFolder

WARM_UP = 2  # windows that are not counted


def measure_input(
    folder: DataFolder,
    mode: str = "ram",
    *,
    batch_size: int = 64,
    batches: int = 500,
    windows: int = 10,
    max_words: int = 29,
) -> dict:
    """Times an endless run of batches that nobody trains on, in windows of `batches` each.

    CPU seconds are those of all threads together, so that other work on the machine changes them
    least; reading the data folder into memory comes before and is told apart.

    Returns:
        Medians over the windows, after a warm-up: wall and CPU seconds of a window, examples per
        CPU second; and the CPU seconds of the preparation.

    Raises:
        UserError: see `BatchPlan.of`.
    """
    start = time.process_time()
    lengths = LengthRange(longest=max_words)
    plan = BatchPlan.of(folder, batch_size=batch_size, lengths=lengths, mode=mode)
    opening = time.process_time() - start
    iterator = iter(plan.dataset())
    timed = [_window(iterator, batches) for _ in range(WARM_UP + windows)][WARM_UP:]
    cpu_seconds = median(cpu for _, cpu in timed)
    return {
        "benchmark": "input",
        "mode": plan.mode,
        "batch_size": batch_size,
        "batches": batches,
        "windows": windows,
        "picture": list(folder.shape),
        "opening_cpu_seconds": opening,
        "median_seconds": median(wall for wall, _ in timed),
        "median_cpu_seconds": cpu_seconds,
        "examples_per_cpu_second": batches * batch_size / cpu_seconds,
    }


def _window(iterator: Iterator, batches: int) -> tuple[float, float]:
    """(wall, CPU) seconds in which so many batches come."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in islice(iterator, batches):
        pass
    return time.perf_counter() - wall, time.process_time() - cpu
