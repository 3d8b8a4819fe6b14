"""Sources of a few examples, for the tests of prepare."""

import numpy as np
from PIL import Image

from pipelines.data.sources.example import Example


class Pictures:
    """A source with the given examples in its training split."""

    name = "pictures"

    def __init__(self, *examples):
        self.examples = list(examples)

    def splits(self):
        return {"train": self.examples, "val": []}

    def facts(self):
        return {}


class Files(Pictures):
    """A source of small files; `val` and others as they are given."""

    def __init__(self, folder, captions=("a cat",), **splits):
        self.folder, self.captions, self.names = folder, captions, splits

    def splits(self):
        return {
            split: [
                Example(name, self.folder / name, self.captions, name=f"table/{name}")
                for name in names
            ]
            for split, names in self.names.items()
        }


def array_example(name="0", shape=(8, 8, 1), captions=("a cat",)):
    return Example(name, np.full(shape, 9, np.uint8), captions)


def save(path, colour=9, **options):
    Image.new("RGB", (8, 8), (colour, 100, 100)).save(path, **options)


def shards_of(out):
    return {path.name: path.read_bytes() for path in out.glob("*.tfrecord")}


def damage(path):
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    path.write_bytes(contents)
