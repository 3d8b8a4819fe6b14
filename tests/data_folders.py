"""Small data folders for tests."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import tensorflow as tf

from pipelines.data.preparation.shards import shard_file_name
from pipelines.data.prepared.data_folder import MANIFEST, VOCABULARY
from pipelines.data.prepared.tfrecords import encode_example
from t2i_tf.text.tokenizer import split_words
from t2i_tf.text.vocabulary import Vocabulary

WORDS = [
    "a",
    "red",
    "green",
    "blue",
    "big",
    "small",
    "old",
    "new",
    "dog",
    "cat",
    "bus",
    "car",
    "tree",
]


def make_examples(count, seed=0, shortest=3, longest=9, shape=(4, 6, 3), prefix="train"):
    """(id, image, captions, attributes) with one to five captions of random words."""
    random = np.random.default_rng(seed)
    examples = []
    for k in range(count):
        image = random.integers(0, 256, shape, np.uint8)
        lengths = random.integers(shortest, longest + 1, random.integers(1, 6))
        captions = [" ".join(random.choice(WORDS, length)) for length in lengths]
        examples.append((f"{prefix}{k}", image, captions, {"number": k}))
    return examples


def write_training_folder(path: Path) -> Path:
    """Writes a data folder with the splits that training reads."""
    splits = {
        "train": make_examples(60, shape=(8, 8, 3)),
        "val": make_examples(20, seed=1, shape=(8, 8, 3), prefix="val"),
    }
    return write_data_folder(path, splits)


def write_data_folder(path: Path, splits, shard_size=20) -> Path:
    """Writes a data folder of splits {name: examples}, as `prepare` does."""
    path.mkdir(parents=True, exist_ok=True)
    counts, described = Counter(), {}
    for split, examples in splits.items():
        chunks = [examples[k : k + shard_size] for k in range(0, len(examples), shard_size)]
        described[split] = {
            "examples": len(examples),
            "captions": sum(len(captions) for _, _, captions, _ in examples),
            "shards": [
                write_shard(path / shard_file_name(split, k, len(chunks)), chunk)
                for k, chunk in enumerate(chunks)
            ],
        }
    for _, _, captions, _ in splits["train"]:
        for caption in captions:
            counts.update(split_words(caption))
    Vocabulary.from_counts(counts).save(path / VOCABULARY)
    height, width, channels = splits["train"][0][1].shape
    manifest = {
        "format": 1,
        "source": "test",
        "height": height,
        "width": width,
        "channels": channels,
        "written": sum(map(len, splits.values())),
        "skipped": [],
        "splits": described,
        "vocabulary": {"size": len(counts) + 2, "min_count": 1, "sha256": ""},
        "facts": {"seed": 0},
    }
    (path / MANIFEST).write_text(json.dumps(manifest))
    return path


def write_shard(path, examples):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for example in examples:
            writer.write(encode_example(*example))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"file": path.name, "examples": len(examples), "sha256": digest}
