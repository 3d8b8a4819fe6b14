import re

import numpy as np
import pytest
import tensorflow as tf

from pipelines.data.prepared.tfrecords import (
    check_file,
    encode_example,
    parse_batch,
    parse_captions,
    read_records,
)
from t2i_tf.errors import UserError
from tests.data_folders import make_examples, write_shard

SHAPE = (4, 6, 3)


@pytest.fixture
def shard(tmp_path):
    path = tmp_path / "train-00000-of-00001.tfrecord"
    write_shard(path, make_examples(10, shape=SHAPE))
    return path


def record_offsets(path):
    lengths = [16 + len(record) for record in read_records([path]).as_numpy_iterator()]
    return [sum(lengths[:k]) for k in range(len(lengths))]


def test_examples_are_read_as_they_were_written(shard):
    examples = make_examples(10, shape=SHAPE)
    batch = parse_batch(next(iter(read_records([shard]).batch(10))), SHAPE)
    np.testing.assert_array_equal(batch["image"], [image for _, image, _, _ in examples])
    assert batch["image"].dtype == tf.uint8
    assert [id.decode() for id in batch["id"].numpy()] == [id for id, *_ in examples]
    captions = [[c.decode() for c in row] for row in batch["captions"].to_list()]
    assert captions == [captions for _, _, captions, _ in examples]
    assert batch["attributes"].numpy()[3] == b'{"number": 3}'


def test_captions_can_be_read_alone(shard):
    records = next(iter(read_records([shard]).batch(10)))
    expected = parse_batch(records, SHAPE)["captions"].to_list()
    assert parse_captions(records).to_list() == expected


def test_the_same_example_gives_the_same_bytes():
    image = np.arange(72, dtype=np.uint8).reshape(SHAPE)
    record = encode_example("é1", image, ["a dog", "ein Hündchen"], {"b": 1, "a": ["ü"]})
    assert record == encode_example("é1", image, ["a dog", "ein Hündchen"], {"a": ["ü"], "b": 1})
    example = tf.train.Example.FromString(record).features.feature
    assert example["image"].bytes_list.value[0] == image.tobytes()
    assert example["height"].int64_list.value == [4]
    assert example["width"].int64_list.value == [6]
    assert example["channels"].int64_list.value == [3]
    assert example["attributes"].bytes_list.value[0].decode() == '{"a": ["ü"], "b": 1}'


@pytest.mark.parametrize("image", [np.zeros(SHAPE, np.float32), np.zeros((4, 6), np.uint8)])
def test_arrays_that_are_not_images_are_refused(image):
    with pytest.raises(ValueError, match="uint8"):
        encode_example("1", image, ["a"], {})


def test_a_whole_file_passes(shard):
    check_file(shard, 10, SHAPE)


@pytest.mark.parametrize("part", [4, 14, 60])  # bytes into the record: length, checksum, data
def test_a_corrupt_record_is_named_with_its_offset(shard, part):
    offset = record_offsets(shard)[7]
    data = bytearray(shard.read_bytes())
    data[offset + part] ^= 0xFF
    shard.write_bytes(data)
    message = rf"{re.escape(str(shard))}: record 7, at byte {offset}, is corrupt or truncated"
    with pytest.raises(UserError, match=message):
        check_file(shard, 10, SHAPE)


@pytest.mark.parametrize(
    ("kept", "message"),  # bytes of the last record; TensorFlow takes half a header for the end
    [(100, "record 9, at byte {}, is corrupt or truncated"), (5, "the file ends at byte {}")],
)
def test_a_truncated_file_is_named_with_the_offset(shard, kept, message):
    offset = record_offsets(shard)[9]
    shard.write_bytes(shard.read_bytes()[: offset + kept])
    with pytest.raises(UserError, match=message.format(offset)):
        check_file(shard, 10, SHAPE)


def test_a_file_that_ends_between_records_is_too_short(shard):
    offset = record_offsets(shard)[9]
    shard.write_bytes(shard.read_bytes()[:offset])
    with pytest.raises(UserError, match=f"expected 10 records, found 9: .* at byte {offset}"):
        check_file(shard, 10, SHAPE)


def test_a_record_of_something_else_is_named(tmp_path):
    path = tmp_path / "train.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(encode_example("1", np.zeros((2, 2, 3), np.uint8), ["a"], {}))
    with pytest.raises(UserError, match="record 0, at byte 0, is not an example"):
        check_file(path, 1, SHAPE)
