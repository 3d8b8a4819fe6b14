"""The `scenes` dataset: a procedural world, written as a real COCO folder of JPEGs and captions.

    OUT/{train,val,test,held_out}/NNNNNNNNNNNN.jpg
    OUT/annotations/captions_{train,val,test,held_out}.json
    OUT/scenes.json    written last: what the folder holds and how it was made

Picture k of a split depends on (seed, split, k) alone: any number of workers writes the same
bytes, and an interrupted run is mended by running it again.
"""

import json
import os
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from PIL import Image
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

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
from t2i_tf.errors import UserError

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

GENERATOR = "scenes-1"  # raise the number whenever the same seed no longer gives the same bytes
SPLITS = ("train", "val", "test", "held_out")
PICTURE_SIZE = 64  # pixels; `prepare` resizes to the model's size
RECORD = "scenes.json"
UNFINISHED = "scenes.json.unfinished"
CHUNK = 100  # pictures a worker makes at a time
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
    """Writes the dataset; does nothing where the folder already holds exactly this one.

    `workers` is the number of processes, by default one a core. Raises UserError where the folder
    holds something else.
    """
    counts = dict(zip(SPLITS, (train, val, test, held_out), strict=True))
    _check_counts(counts)
    record = scenes_record(counts, seed)
    if _is_finished(folder, record):
        return
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / UNFINISHED, record)
    (folder / "annotations").mkdir(exist_ok=True)
    with _progress(sum(counts.values())) as advance, _mapper(workers) as parallel:
        for split, count in counts.items():
            entries = _write_pictures(folder, split, count, seed, parallel, advance)
            _write_json(folder / "annotations" / f"captions_{split}.json", coco_document(entries))
    os.replace(folder / UNFINISHED, folder / RECORD)


def scenes_record(counts: Mapping[str, int], seed: int) -> dict[str, Any]:
    """What `scenes.json` keeps: everything that the folder's bytes follow from."""
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
    """One picture's part of the annotations."""

    id: int
    file_name: str
    scene: Scene
    captions: tuple[str, ...]


def make_picture(folder: Path, split: str, seed: int, index: int) -> PictureEntry:
    """Draws picture `index` of a split, writes its JPEG, and returns its annotations."""
    rng = random.Random(f"{seed}/{split}/{index}")
    scene = sample_scene(rng, held_out=split == "held_out")
    number = SPLITS.index(split) * IDS_PER_SPLIT + index + 1
    entry = PictureEntry(number, f"{number:012d}.jpg", scene, captions(scene, rng))
    picture = Image.fromarray(render(scene, PICTURE_SIZE, rng))
    # 4:4:4: at this size halved chroma would wash the colours out.
    picture.save(folder / split / entry.file_name, quality=95, subsampling=0)
    return entry


def coco_document(entries: Iterable[PictureEntry]) -> dict[str, Any]:
    """The annotations in COCO's schema; each image also holds its `attributes`."""
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


def _check_counts(counts: Mapping[str, int]) -> None:
    for split, count in counts.items():
        if not 0 <= count < IDS_PER_SPLIT:
            raise UserError(
                f"{split}: expected 0 to {IDS_PER_SPLIT - 1} pictures, got {count}. "
                "Give another number."
            )


def _is_finished(folder: Path, record: Mapping[str, Any]) -> bool:
    """Whether the folder holds this dataset whole; refuses a folder of anything else."""
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise UserError(f"{folder}: expected a folder, found a file. Choose another place.")
    for name in (RECORD, UNFINISHED):
        if (folder / name).exists():
            _check_same(folder / name, record)
            return name == RECORD
    foreign = [path.name for path in folder.iterdir() if not path.name.startswith(f".{RECORD}")]
    if foreign:
        raise UserError(
            f"{folder}: expected an empty folder or one of scenes, but found {min(foreign)!r} and "
            f"no {RECORD}. Choose another folder, or empty this one."
        )
    return False


def _check_same(path: Path, record: Mapping[str, Any]) -> None:
    found = _read_record(path)
    differing = [
        f"{key} {found.get(key)!r} instead of {record[key]!r}"
        for key in ("generator", "seed", "counts", "picture_size")
        if found.get(key) != record[key]
    ]
    if differing:
        raise UserError(
            f"{path}: the folder holds scenes made otherwise: {'; '.join(differing)}. "
            "Choose another folder, delete this one, or ask for the same settings."
        )


def _read_record(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UserError(f"{path}: expected a JSON object. Delete the folder and run again.")
    return found


def _write_pictures(
    folder: Path,
    split: str,
    count: int,
    seed: int,
    parallel: Callable[..., Iterable[PictureEntry]],
    advance: Callable[[], None],
) -> list[PictureEntry]:
    (folder / split).mkdir(exist_ok=True)
    entries = []
    for entry in parallel(partial(make_picture, folder, split, seed), range(count)):
        entries.append(entry)
        advance()
    return entries


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Whole or not at all."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(json.dumps(document), encoding="utf-8")
    os.replace(temporary, path)


@contextmanager
def _mapper(workers: int | None) -> Iterator[Callable[..., Iterable[Any]]]:
    """An ordered `map` over processes; in this process where one worker is enough."""
    workers = os.cpu_count() or 1 if workers is None else workers
    if workers <= 1:
        yield map
        return
    # Spawned, not forked: the caller may have threads, such as TensorFlow's.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield partial(pool.map, chunksize=CHUNK)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar with pictures/s and the time left; yields what to call after each picture."""
    columns = (
        TextColumn("Drawing scenes"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]} pictures/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress:
        task = progress.add_task("", total=total, rate="-")

        def advance() -> None:
            speed = progress.tasks[0].speed
            progress.update(task, advance=1, rate=f"{speed:,.0f}" if speed else "-")

        yield advance
