"""Times data preparation: from 640x480 JPEGs to a shard of 32x32 examples, per CPU second."""

import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path
from statistics import median

import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw

from pipelines.data.pictures.image_loading import PictureReader
from pipelines.data.pictures.resizing import ResizeOptions
from pipelines.data.preparation.shards import PlannedShard, write_shard
from pipelines.data.sources.example import Example
from t2i_tf.errors import UserError

CAPTIONS = tuple(f"a man and {count} dogs on a beach in blue skies ." for count in range(5))
DISTINCT = 64  # images that are made; the shard repeats them
WIDTH, HEIGHT = 640, 480  # pixels, COCO's usual size


def measure_prepare(
    folder: str | Path | None = None, count: int = 512, *, repeats: int = 10
) -> dict:
    """Time reading, decoding, resizing and writing `count` images.

    The baseline only decodes the same files, from memory. Baseline and ratio are in CPU seconds,
    summed over all threads: they depend least on other work on the machine.

    Args:
        folder: folder of JPEG files, used in turn; if None, images are made.
        count: images in the shard that each repeat writes.
        repeats: timed repeats, after one to warm up.

    Returns:
        Medians over the repeats: `median_seconds` and `median_cpu_seconds` of a shard,
        `floor_seconds` of the baseline, the `ratio` of the latter two, and
        `examples_per_cpu_second`.

    Raises:
        UserError: the folder has no .jpg files.
    """
    with tempfile.TemporaryDirectory() as scratch:
        files = jpeg_files(Path(folder)) if folder else make_photographs(Path(scratch), DISTINCT)
        files = list(islice(cycle(files), count))
        shard = make_shard(files)
        out, reader = Path(scratch), PictureReader(ResizeOptions(32, 32, 3))
        timed = time_repeats(
            lambda: write_shard(shard, out, out / "shard.unfinished", reader), repeats
        )
        baseline = time_repeats(decoding_alone(files), repeats)
        file_bytes = round(float(np.mean([file.stat().st_size for file in files])))
    cpu_seconds = median(cpu for _, cpu in timed)
    baseline_seconds = median(cpu for _, cpu in baseline)
    return {
        "benchmark": "prepare",
        "pictures": count,
        "repeats": repeats,
        "mean_file_bytes": file_bytes,
        "median_seconds": median(wall for wall, _ in timed),
        "median_cpu_seconds": cpu_seconds,
        "floor_seconds": baseline_seconds,
        "ratio": cpu_seconds / baseline_seconds,
        "examples_per_cpu_second": count / cpu_seconds,
    }


def make_shard(files: Sequence[Path]) -> PlannedShard:
    """One shard of all files, with captions as long as COCO's."""
    examples = [Example(str(k), file, CAPTIONS) for k, file in enumerate(files)]
    return PlannedShard("benchmark.tfrecord", "train", examples, 0, len(examples))


def decoding_alone(files: Sequence[Path]) -> Callable[[], None]:
    """The baseline: a function that decodes all files, at an eighth of their size, and no more."""
    contents = [file.read_bytes() for file in files]
    dataset = tf.data.Dataset.from_tensor_slices(contents).map(
        lambda jpeg: tf.io.decode_jpeg(jpeg, channels=3, ratio=8)[0, 0],
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    return lambda: [None for _ in dataset.batch(len(files))]


def time_repeats(work: Callable[[], object], repeats: int) -> list[tuple[float, float]]:
    """Wall and CPU seconds of each repeat, after one to warm up."""
    work()
    times = []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    return times


def jpeg_files(folder: Path) -> list[Path]:
    """The .jpg files of a folder, sorted.

    Raises:
        UserError: there are none.
    """
    files = sorted(folder.glob("*.jpg"))
    if not files:
        raise UserError(f"{folder}: expected .jpg files, found none.")
    return files


def make_photographs(folder: Path, count: int) -> list[Path]:
    """JPEGs of 640x480 that compress like photographs: overlapping objects of all sizes."""
    random = np.random.default_rng(0)
    files = [folder / f"{number:03d}.jpg" for number in range(count)]
    for file in files:
        draw_dead_leaves(random).save(file, quality=90)
    return files


def draw_dead_leaves(random: np.random.Generator, leaves: int = 1500) -> Image.Image:
    """A dead-leaves image: discs over discs, radii by an inverse cube law, and sensor noise."""
    picture = Image.new("RGB", (WIDTH, HEIGHT))
    draw = ImageDraw.Draw(picture)
    radii = np.minimum(6 / np.sqrt(random.uniform(size=leaves)), WIDTH / 2)  # pixels
    centres = random.uniform((0, 0), (WIDTH, HEIGHT), size=(leaves, 2))
    colours = random.integers(0, 256, size=(leaves, 3))
    for (x, y), radius, colour in zip(centres, radii, colours, strict=True):
        box = (x - radius, y - radius, x + radius, y + radius)
        draw.ellipse(box, fill=tuple(map(int, colour)))
    noise = random.normal(0, 4, size=(HEIGHT, WIDTH, 1))
    return Image.fromarray(np.uint8(np.clip(np.asarray(picture) + noise, 0, 255)))
