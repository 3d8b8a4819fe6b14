"""Files of the authors' kinds, made by the NumPy reference."""

import pickle

import h5py
import numpy as np

from tests.reference import authors

COCO_WORDS = ("a", "red", "bus", "UNK", "the", ".", "blue", "is")
COCO = {"words": 9, "lang": 3, "align": 5, "enc": 7, "dec": 6, "z": 2, "read": 3, "write": 4}
COCO |= {"side": 6, "channels": 3}
MNIST = COCO | {"words": 23, "read": 4, "write": 3, "side": 8, "channels": 1}


def coco_dictionary():
    return {word: id for id, word in enumerate(COCO_WORDS, 1)}


def write_weights(path, arrays):
    """By the file's extension; `.pkl` as Python 2 wrote it, as far as Python 3 can."""
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    elif path.suffix == ".pkl":
        path.write_bytes(pickle.dumps(arrays, 2))
    else:
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file.create_dataset(name, data=array)
    return path


def coco_files(folder, suffix=".h5", **sizes):
    """Weights of tiny sizes, with the dictionary beside them: path and arrays."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = authors.make_weights(**COCO | sizes)
    (folder / "dictionary.pkl").write_bytes(pickle.dumps(coco_dictionary(), 0))
    return write_weights(folder / f"weights{suffix}", arrays), arrays
