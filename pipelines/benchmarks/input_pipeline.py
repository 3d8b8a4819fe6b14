"""Times the input pipeline: examples per CPU second in each mode."""

import time
from collections.abc import Iterator
from itertools import islice
from statistics import median

from pipelines.data.batches.batch_plan import BatchPlan
from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import DataFolder

WARM_UP = 2  # windows before the timed ones


def measure_input(
    folder: DataFolder,
    mode: str = "ram",
    *,
    batch_size: int = 64,
    batches: int = 500,
    windows: int = 10,
    max_words: int = 29,
) -> dict:
    """Iterate over batches without training on them, in windows of `batches` each.

    CPU seconds are summed over all threads and depend least on other work on the machine. Reading
    the data folder into memory comes first and is reported separately.

    Args:
        folder: data folder whose training split is read.
        mode: how records are read: "ram", "stream" or "auto".
        batch_size: examples per batch.
        batches: batches per window.
        windows: timed windows after the warm-up.
        max_words: longer captions are left out.

    Returns:
        Medians over the windows: wall and CPU seconds of a window, examples per CPU second; and
        the CPU seconds that opening the data took.

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
    """Wall and CPU seconds to read so many batches."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in islice(iterator, batches):
        pass
    return time.perf_counter() - wall, time.process_time() - cpu
