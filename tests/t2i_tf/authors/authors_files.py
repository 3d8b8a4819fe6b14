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


def write_value(path, value):
    """A value in the format of the path's extension."""
    if path.suffix == ".npy":
        np.save(path, value)
    elif path.suffix == ".pkl":
        path.write_bytes(pickle.dumps(value, 0))
    else:
        write_weights(path, {path.stem if path.suffix == ".npz" else "data": np.asarray(value)})


def caption_arrays(images, seed):
    """Five captions of seven to nine words for each image: ids padded to 9, lengths, cap2im."""
    random = np.random.default_rng(seed)
    lengths = random.integers(7, 10, (5 * images, 1))
    ids = random.integers(1, len(COCO_WORDS) + 1, (5 * images, 9)).astype(np.int32)
    ids[np.arange(9) >= lengths] = 0
    return ids, lengths, [k // 5 for k in range(5 * images)]


def write_arrays(folder, side=6, suffix=".npy", splits=(("train", 6), ("dev", 2), ("test", 2))):
    """The authors' files of tiny images: pixels by split, uint8 [n, H, W, C], and captions."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dictionary.pkl").write_bytes(pickle.dumps(coco_dictionary(), 0))
    pixels, words = {}, dict(enumerate(COCO_WORDS, 1))
    texts = {}
    for seed, (split, count) in enumerate(splits):
        random = np.random.default_rng(seed)
        pixels[split] = random.integers(0, 256, (count, side, side, 3), np.uint8)
        planes = np.float32(pixels[split] / 255).transpose(0, 3, 1, 2).reshape(count, -1)
        ids, lengths, cap2im = caption_arrays(count, seed)
        write_value(folder / f"{split}-images-{side}x{side}{suffix}", planes)
        write_value(folder / f"{split}-captions{suffix}", ids)
        write_value(folder / f"{split}-captions-len{suffix}", lengths)
        write_value(folder / f"{split}-cap2im.pkl", cap2im)
        texts[split] = [" ".join(words[id] for id in row if id) for row in ids.tolist()]
    return pixels, texts
