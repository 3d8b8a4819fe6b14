import json
from pathlib import Path

import pytest
from PIL import Image

from pipelines.data.preparation.prepare import prepare
from pipelines.data.sources.coco import CocoSource
from tests.pipelines.data.preparation.example_sources import Files, save

data = pytest.importorskip("skimage.data")

PICTURES = 60
BAD = ("truncated", "empty", "html", "missing", "noise")


@pytest.fixture(scope="session")
def photograph():
    return Image.fromarray(data.astronaut())


@pytest.fixture(scope="session")
def coco(tmp_path_factory, photograph):
    """A COCO folder of 50 training and 10 validation pictures; five of the former are bad."""
    root = tmp_path_factory.mktemp("coco")
    (root / "annotations").mkdir()
    for split, first, last in (("train", 0, 50), ("val", 50, PICTURES)):
        (root / f"{split}2014").mkdir()
        names = [f"{k:03d}.jpg" for k in range(first, last)]
        for k, name in enumerate(names):
            crop = photograph.crop((3 * k, 2 * k, 3 * k + 240, 2 * k + 180))
            crop.save(root / f"{split}2014" / name, quality=90)
        write_annotations(root / "annotations" / f"captions_{split}2014.json", first, names)
    for kind, name in zip(BAD, ("002", "011", "012", "030", "049"), strict=True):
        spoil(root / "train2014" / f"{name}.jpg", kind)
    return root


def write_annotations(path, first, names):
    images = [{"id": first + k, "file_name": name} for k, name in enumerate(names)]
    captions = [
        {"image_id": image["id"], "caption": f"An astronaut, {word} {image['id']}."}
        for image in images
        for word in ("number", "person")
    ]
    path.write_text(json.dumps({"images": images, "annotations": captions}))


def spoil(path: Path, kind: str):
    if kind == "missing":
        path.unlink()
        return
    contents = path.read_bytes()
    path.write_bytes(
        {
            "truncated": contents[: len(contents) // 2],
            "empty": b"",
            "html": b"<!DOCTYPE html><html><body>404</body></html>",
            "noise": bytes(range(256)) * 20,
        }[kind]
    )


@pytest.fixture(scope="session")
def prepared(coco, tmp_path_factory):
    out = tmp_path_factory.mktemp("data") / "coco"
    manifest = prepare(CocoSource(coco), out, shard_size=8, max_bad=0.1)
    return out, manifest


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for k in range(4):
        save(folder / f"{k}.png", 20 * k)
    return Files(folder, train=["0.png", "1.png", "2.png"], val=["3.png"])
