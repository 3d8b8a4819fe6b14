"""Examples as TFRecords: raw pixels, captions, and attributes of the contents.

id          bytes                     height, width, channels   int64
image       bytes, uint8 [H, W, C]    captions                  one to five bytes
attributes  bytes, JSON
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from t2i_tf.errors import UserError

FRAME = 16  # bytes around a record: its length and two checksums
READ_AHEAD = 4 << 20  # bytes

_REMEDY = "Copy it again, or delete the data folder and run `prepare` again."
_CAPTIONS = tf.io.RaggedFeature(tf.string, row_splits_dtype=tf.int64)


def encode_example(
    id: str, image: np.ndarray, captions: Sequence[str], attributes: Mapping[str, Any]
) -> bytes:
    """An example as a record: the same example always gives the same bytes.

    Args:
        id: Name of the example.
        image: Image, uint8 [H, W, C].
        captions: Captions of the image.
        attributes: Attributes of the contents; anything that JSON can represent.
    """
    if image.dtype != np.uint8 or image.ndim != 3:
        raise ValueError(f"Expected uint8 [H, W, C], got {image.dtype} {list(image.shape)}.")
    attributes_json = json.dumps(attributes, sort_keys=True, ensure_ascii=False)
    height, width, channels = image.shape
    features = {
        "id": _bytes(id.encode()),
        "image": _bytes(image.tobytes()),
        "height": _integer(height),
        "width": _integer(width),
        "channels": _integer(channels),
        "captions": _bytes(*(caption.encode() for caption in captions)),
        "attributes": _bytes(attributes_json.encode()),
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)


def parse_batch(
    serialized: tf.Tensor, shape: tuple[int, int, int]
) -> dict[str, tf.Tensor | tf.RaggedTensor]:
    """Parses records, string [B], at once, which is far cheaper than one by one.

    Args:
        serialized: The records.
        shape: Shape of every image: H, W, C.

    Returns:
        `image` uint8 [B, H, W, C]; `id` and `attributes` string [B]; `captions` string [B, (N)].
    """
    text = tf.io.FixedLenFeature([], tf.string)
    parsed = tf.io.parse_example(
        serialized, {"id": text, "image": text, "attributes": text, "captions": _CAPTIONS}
    )
    pixels = tf.io.decode_raw(parsed["image"], tf.uint8)
    return {**parsed, "image": tf.reshape(pixels, [tf.shape(serialized)[0], *shape])}


def parse_captions(serialized: tf.Tensor) -> tf.RaggedTensor:
    """Only the captions of records string [B]: string [B, (N)]."""
    return tf.io.parse_example(serialized, {"captions": _CAPTIONS})["captions"]


def read_records(files: Sequence[Path]) -> tf.data.Dataset:
    """The serialized records of files, one file after another: string []."""
    return tf.data.TFRecordDataset([str(file) for file in files], buffer_size=READ_AHEAD)


def check_file(file: Path, expected: int, shape: tuple[int, int, int]) -> None:
    """Reads a file record by record to find damage: slow, only for when reading failed.

    Args:
        file: File to check.
        expected: Number of its records.
        shape: Shape of every image: H, W, C.

    Raises:
        UserError: the file is damaged; the error names the byte where the first bad record begins.
    """
    offset = count = 0
    try:
        for record in read_records([file]).as_numpy_iterator():
            parse_batch(tf.constant([record]), shape)
            offset += FRAME + len(record)
            count += 1
    except tf.errors.OpError as error:
        damaged = isinstance(error, tf.errors.DataLossError)
        fault = "is corrupt or truncated" if damaged else "is not an example of this data folder"
        raise UserError(f"{file}: record {count}, at byte {offset}, {fault}. {_REMEDY}") from None
    if count != expected:
        raise UserError(
            f"{file}: expected {expected} records, found {count}: the file ends at byte {offset}."
            f" {_REMEDY}"
        )


def _bytes(*values: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _integer(value: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
