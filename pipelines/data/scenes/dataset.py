"""The `scenes` dataset: a procedural world, written as a real COCO folder of JPEGs and captions.

    OUT/{train,val,test,held_out}/NNNNNNNNNNNN.jpg
    OUT/annotations/captions_{train,val,test,held_out}.json
    OUT/scenes.json    written last: what the folder holds and how it was made

Picture k of a split depends on (seed, split, k) alone: any number of workers writes the same
bytes, and running the same command again completes an interrupted run.
"""

import json
import os
import random
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

from PIL import Image

from pipelines.data.scenes.captions import TALK_CAPTIONS, caption_words, captions
from pipelines.data.scenes.renderer import render
from pipelines.data.scenes.world import (
    BACKGROUNDS,
    COLOURS,
    COUNTS,
    OBJECTS,
    PLACES,
    Scene,
    held_out_compositions,
    is_held_out,
    sample_scene,
)
from pipelines.file_lock import lock_file
from pipelines.progress_bar import ProgressBar
from t2i_tf.errors import UserError
from t2i_tf.files import write_atomically
from t2i_tf.json_files import read_json
from t2i_tf.number_ranges import check_flags

__all__ = [
    "BACKGROUNDS",
    "COLOURS",
    "COUNTS",
    "OBJECTS",
    "PLACES",
    "TALK_CAPTIONS",
    "Scene",
    "caption_words",
    "captions",
    "held_out_compositions",
    "is_held_out",
    "render",
    "sample_scene",
    "write_scenes",
]

GENERATOR = "scenes-1"  # increase the number when the same seed no longer gives the same bytes
SPLITS = ("train", "val", "test", "held_out")
PICTURE_SIZE = 64  # pixels; `prepare` resizes to the model's size
RECORD = "scenes.json"
UNFINISHED = "scenes.json.unfinished"
LOCK = ".scenes.json.lock"  # held by the process that writes the folder
CHUNK = 100  # pictures that a worker makes at a time
IDS_PER_SPLIT = 10_000_000  # so that picture ids are unique in the folder


def write_scenes(
    folder: Path,
    *,
    train: int = 20_000,
    val: int = 1_000,
    test: int = 1_000,
    held_out: int = 1_000,
    seed: int = 0,
    workers: int | None = None,
) -> None:
    """Writes the dataset; does nothing if the folder already holds exactly this one.

    Args:
        folder: Folder to make, or to finish.
        train, val, test, held_out: Pictures of each split.
        seed: Seed of all pictures and captions.
        workers: Number of processes; one per core if None.

    Raises:
        UsageError: a number is out of range.
        UserError: the folder holds something else, cannot be written, or is being written by
            another process.
    """
    counts = dict(zip(SPLITS, (train, val, test, held_out), strict=True))
    check_flags(**counts, seed=seed, workers=workers)
    record = scenes_record(counts, seed)
    try:
        if _is_finished(folder, record):
            return
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            if not _is_finished(folder, record):  # by another process, meanwhile
                _write_files(folder, record, counts, seed, workers)
    except OSError as error:
        raise UserError(
            f"{error.filename or folder} cannot be written: {error.strerror or error}. Remove the"
            " cause and run the same command again, or choose another folder."
        ) from error
    except BrokenProcessPool as error:
        raise UserError(
            "A process that draws scenes was ended from outside, perhaps for lack of memory. Run"
            " the same command again, with fewer --workers."
        ) from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Holds the lock of a folder, and removes its file at the end."""
    busy = (
        f"{folder} is in use: another `scenes` writes it. Wait for its end, or choose another"
        " folder."
    )
    with lock_file(folder / LOCK, busy):
        try:
            yield
        finally:
            (folder / LOCK).unlink(missing_ok=True)


def _write_files(
    folder: Path,
    record: Mapping[str, Any],
    counts: Mapping[str, int],
    seed: int,
    workers: int | None,
) -> None:
    if (folder / RECORD).exists():
        print(f"{folder} has lost files since it was finished: all are written anew.")
        os.replace(folder / RECORD, folder / UNFINISHED)
    _write_json(folder / UNFINISHED, record)
    (folder / "annotations").mkdir(exist_ok=True)
    total = sum(counts.values())
    with ProgressBar("Drawing scenes", total, "pictures") as bar, _mapper(workers) as parallel:
        for split, count in counts.items():
            entries = _write_pictures(folder, split, count, seed, parallel, bar)
            _write_json(folder / "annotations" / f"captions_{split}.json", coco_document(entries))
    os.replace(folder / UNFINISHED, folder / RECORD)


def scenes_record(counts: Mapping[str, int], seed: int) -> dict[str, Any]:
    """The contents of `scenes.json`: all that determines the bytes of the folder."""
    return {
        "generator": GENERATOR,
        "seed": seed,
        "counts": dict(counts),
        "picture_size": PICTURE_SIZE,
        "vocabularies": {
            "object": list(OBJECTS),
            "colour": list(COLOURS),
            "background": list(BACKGROUNDS),
            "place": list(PLACES),
            "count": list(COUNTS),
            "words": sorted(caption_words()),
        },
        "held_out_compositions": held_out_compositions(),
    }


@dataclass(frozen=True)
class PictureEntry:
    """The annotations of one picture."""

    id: int
    file_name: str
    scene: Scene
    captions: tuple[str, ...]


def make_picture(folder: Path, split: str, seed: int, index: int) -> PictureEntry:
    """Draws picture `index` of a split, writes its JPEG, and returns its annotations."""
    rng = random.Random(f"{seed}/{split}/{index}")
    scene = sample_scene(rng, held_out=split == "held_out")
    entry = PictureEntry(
        picture_id(split, index), picture_name(split, index), scene, captions(scene, rng)
    )
    picture = Image.fromarray(render(scene, PICTURE_SIZE, rng))
    # 4:4:4: at this size, subsampled chroma would blur the colours.
    picture.save(folder / split / entry.file_name, quality=95, subsampling=0)
    return entry


def picture_id(split: str, index: int) -> int:
    """The id of picture `index` of a split, unique in the folder."""
    return SPLITS.index(split) * IDS_PER_SPLIT + index + 1


def picture_name(split: str, index: int) -> str:
    """The file name of picture `index` of a split."""
    return f"{picture_id(split, index):012d}.jpg"


def coco_document(entries: Iterable[PictureEntry]) -> dict[str, Any]:
    """The annotations in COCO's schema; each image also has its `attributes`."""
    entries = list(entries)
    return {
        "info": {"description": "Procedural scenes with captions", "version": GENERATOR},
        "licenses": [{"id": 1, "name": "CC0-1.0", "url": ""}],
        "images": [_coco_image(entry) for entry in entries],
        "annotations": [
            {"id": 10 * entry.id + k, "image_id": entry.id, "caption": caption}
            for entry in entries
            for k, caption in enumerate(entry.captions)
        ],
    }


def _coco_image(entry: PictureEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "file_name": entry.file_name,
        "width": PICTURE_SIZE,
        "height": PICTURE_SIZE,
        "license": 1,
        "attributes": entry.scene.attributes(),
    }


def _is_finished(folder: Path, record: Mapping[str, Any]) -> bool:
    """Whether the folder holds all of this dataset; UserError if it holds something else."""
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise UserError(f"{folder}: expected a folder, found a file. Choose another path.")
    for name in (RECORD, UNFINISHED):
        if (folder / name).exists():
            _check_same(folder / name, record)
            return name == RECORD and _has_all_files(folder, record["counts"])
    foreign = [path.name for path in folder.iterdir() if not path.name.startswith(f".{RECORD}")]
    if foreign:
        raise UserError(
            f"{folder}: expected an empty folder or one of scenes, but found {min(foreign)!r} and "
            f"no {RECORD}. Choose another folder, or empty this one."
        )
    return False


def _has_all_files(folder: Path, counts: Mapping[str, int]) -> bool:
    expected = {f"annotations/captions_{split}.json" for split in counts}
    for split, count in counts.items():
        expected |= {f"{split}/{picture_name(split, index)}" for index in range(count)}
    for name in (*counts, "annotations"):
        if (folder / name).is_dir():
            expected -= {f"{name}/{file}" for file in os.listdir(folder / name)}
    return not expected


def _check_same(path: Path, record: Mapping[str, Any]) -> None:
    found = _read_record(path)
    differing = [
        f"{key} {found.get(key)!r} instead of {record[key]!r}"
        for key in ("generator", "seed", "counts", "picture_size")
        if found.get(key) != record[key]
    ]
    if differing:
        raise UserError(
            f"{path}: the folder holds scenes made with other settings: {'; '.join(differing)}. "
            "Choose another folder, delete this one, or use the same settings."
        )


def _read_record(path: Path) -> dict[str, Any]:
    return read_json(path, dict, "Delete the folder and run the same command again.")


def _write_pictures(
    folder: Path,
    split: str,
    count: int,
    seed: int,
    parallel: Callable[..., Iterable[PictureEntry]],
    bar: ProgressBar,
) -> list[PictureEntry]:
    (folder / split).mkdir(exist_ok=True)
    entries = []
    for entry in parallel(partial(make_picture, folder, split, seed), range(count)):
        entries.append(entry)
        bar.advance()
    return entries


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Writes JSON as `json.dumps` formats it, complete or not at all.

    `json_files.write_json` would give other bytes, and the same seed has to give the same bytes.
    """
    text = json.dumps(document).encode()
    write_atomically(path, lambda file: file.write(text))


@contextmanager
def _mapper(workers: int | None) -> Iterator[Callable[..., Iterable[Any]]]:
    """An ordered `map` over processes; a plain `map` for one worker."""
    workers = os.cpu_count() or 1 if workers is None else workers
    if workers <= 1:
        yield map
        return
    # Spawned, not forked: the caller may have threads, such as TensorFlow's.
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_end_with_parent) as pool:
        try:
            yield partial(_map_chunks, pool, 2 * workers)
        except BaseException:  # KeyboardInterrupt too
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _map_chunks(
    pool: ProcessPoolExecutor, most: int, function: Callable, items: Sequence
) -> Iterator[Any]:
    """An ordered map over processes; `pool.map` would put everything in the queue at once.

    At most `most` chunks wait or run, so that an interrupted run stops after these.
    """
    pending = deque()
    for start in range(0, len(items), CHUNK):
        if len(pending) == most:
            yield from pending.popleft().result()
        pending.append(pool.submit(_map_chunk, function, items[start : start + CHUNK]))
    while pending:
        yield from pending.popleft().result()


def _map_chunk(function: Callable, items: Sequence) -> list[Any]:
    return [function(item) for item in items]


def _end_with_parent() -> None:
    """End this worker when its parent ends, however that ends."""
    # Ctrl-C reaches the workers as well; the parent stops them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait() -> None:  # a killed parent cannot stop them
        parent_process().join()
        os._exit(1)

    Thread(target=wait, name="parent", daemon=True).start()
