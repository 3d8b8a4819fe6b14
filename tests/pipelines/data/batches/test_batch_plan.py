import itertools
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

from pipelines.data.batches.batch_plan import BatchPlan, evaluation_dataset, training_dataset
from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.tfrecords import read_records
from t2i_tf.errors import UsageError, UserError
from t2i_tf.text.tokenizer import split_words
from tests.data_folders import make_examples, write_data_folder

MODES = ["ram", "stream"]


@pytest.fixture(scope="module")
def examples():
    return make_examples(70)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, examples):
    path = tmp_path_factory.mktemp("data")
    splits = {"train": examples, "test": make_examples(23, seed=1, prefix="test")}
    return DataFolder.open(write_data_folder(path, splits))


@pytest.fixture(autouse=True)
def small_pools(monkeypatch):
    monkeypatch.setattr("pipelines.data.batches.streaming.POOL", 80)
    monkeypatch.setattr("pipelines.data.batches.caption_pairs.CHUNK", 16)


def take(plan, steps, start_step=0):
    return list(plan.dataset(start_step, steps).as_numpy_iterator())


def epoch(plan, number=0):
    return take(plan, plan.steps_per_epoch, number * plan.steps_per_epoch)


def pairs_of(batches):
    """How often each (picture, caption) is in batches."""
    return Counter(
        (image.tobytes(), tuple(ids[ids > 0].tolist()))
        for batch in batches
        for image, ids in zip(batch["image"], batch["token_ids"], strict=True)
    )


def pairs_in(folder, examples, lengths=range(1, 30)):
    return Counter(
        (image.tobytes(), tuple(folder.vocabulary.ids(split_words(caption))))
        for _, image, captions, _ in examples
        for caption in captions
        if len(split_words(caption)) in lengths
    )


def assert_same(batches, others):
    for batch, other in zip(batches, others, strict=True):
        assert batch.keys() == other.keys()
        for name in batch:
            np.testing.assert_array_equal(batch[name], other[name])


@pytest.mark.parametrize("mode", MODES)
def test_batches_have_the_contracts_types(folder, mode):
    plan = BatchPlan.of(folder, batch_size=8, mode=mode)
    spec = plan.dataset().element_spec
    assert spec["image"].dtype == tf.uint8
    assert spec["image"].shape[1:] == (4, 6, 3)
    assert spec["token_ids"].dtype == tf.int32
    for batch in take(plan, 50):
        assert batch["image"].shape == (8, 4, 6, 3)
        assert batch["token_ids"].shape[0] == 8


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("batch_size", [7, 64])
def test_an_epoch_has_every_caption_once(folder, examples, mode, batch_size):
    plan = BatchPlan.of(folder, batch_size=batch_size, mode=mode, drop_remainder=False)
    expected = pairs_in(folder, examples)
    batches = take(plan, 2 * plan.steps_per_epoch)
    first, second = batches[: plan.steps_per_epoch], batches[plan.steps_per_epoch :]
    assert pairs_of(first) == pairs_of(second) == expected
    assert plan.captions == sum(expected.values())


def test_full_batches_from_memory_show_every_caption_equally_often(folder, examples):
    plan = BatchPlan.of(folder, batch_size=64, mode="ram")
    expected = pairs_in(folder, examples)
    assert plan.steps_per_epoch == sum(expected.values()) // 64
    seen = pairs_of(take(plan, 20 * plan.steps_per_epoch))
    assert seen.keys() == expected.keys()  # lengths are rarer than a batch is large
    rates = [seen[pair] / expected[pair] for pair in expected]
    assert max(rates) - min(rates) <= 4


def test_full_batches_from_disk_leave_out_other_pairs_each_epoch(folder, examples):
    plan = BatchPlan.of(folder, batch_size=64, mode="stream")
    expected = pairs_in(folder, examples)
    epochs = [pairs_of(epoch(plan, number)) for number in range(2)]
    left_out = [expected - seen for seen in epochs]
    for seen, missing in zip(epochs, left_out, strict=True):
        assert not seen - expected
        assert sum(missing.values()) == plan.captions % 64
    assert left_out[0] != left_out[1]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("drop_remainder", [True, False])
def test_training_resumes_at_any_step(folder, mode, drop_remainder):
    options = {"batch_size": 7, "seed": 3, "mode": mode, "drop_remainder": drop_remainder}
    whole = take(BatchPlan.of(folder, **options), 90)
    again = BatchPlan.of(folder, **options)
    for start in (13, again.steps_per_epoch - 1, 85):  # 11 batches a pool, 3 epochs
        assert_same(take(again, 5, start), whole[start : start + 5])


@pytest.mark.parametrize("mode", MODES)
def test_the_order_follows_the_seed_and_changes_each_epoch(folder, mode):
    plans = [BatchPlan.of(folder, batch_size=8, seed=seed, mode=mode) for seed in (0, 0, 1)]
    steps = plans[0].steps_per_epoch
    images = []
    for plan in plans:
        tf.random.set_seed(len(images))  # the program's own randomness has no part in it
        images.append([batch["image"] for batch in take(plan, 2 * steps)])
    first, same, other = images
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first[:steps], first[steps:])


@pytest.mark.parametrize("drop_remainder", [True, False])
def test_nothing_is_padded_in_memory(folder, drop_remainder):
    plan = BatchPlan.of(folder, batch_size=8, mode="ram", drop_remainder=drop_remainder)
    assert all((batch["token_ids"] > 0).all() for batch in epoch(plan))


def test_next_to_nothing_is_padded_from_disk(folder):
    batches = epoch(BatchPlan.of(folder, batch_size=8, mode="stream"))
    assert np.mean([np.mean(batch["token_ids"] == 0) for batch in batches]) < 0.1


@pytest.mark.parametrize("mode", MODES)
def test_lengths_are_padded_to_a_multiple(folder, mode):
    plan = BatchPlan.of(folder, batch_size=8, mode=mode, lengths=LengthRange(multiple=4))
    batches = epoch(plan)
    assert {batch["token_ids"].shape[1] for batch in batches} <= {4, 8, 12}
    for batch in batches:  # no batch is longer than its longest caption asks for
        longest = np.count_nonzero(batch["token_ids"], axis=1).max()
        assert batch["token_ids"].shape[1] - longest < 4


@pytest.mark.parametrize("mode", MODES)
def test_captions_out_of_range_are_left_out_and_reported(folder, examples, mode, capsys):
    plan = BatchPlan.of(
        folder, batch_size=8, lengths=LengthRange(4, 6), mode=mode, drop_remainder=False
    )
    expected = pairs_in(folder, examples, lengths=(4, 5, 6))
    assert pairs_of(epoch(plan)) == expected
    assert plan.captions == sum(expected.values())
    assert plan.captions + plan.left_out == folder.split("train").captions
    assert f"{plan.left_out} of" in capsys.readouterr().out


def test_the_mode_follows_the_memory(folder, monkeypatch):
    assert BatchPlan.of(folder, batch_size=8).mode == "ram"
    monkeypatch.setattr("pipelines.data.batches.batch_plan.free_memory", lambda: 10_000)
    assert BatchPlan.of(folder, batch_size=8).mode == "stream"
    assert BatchPlan.of(folder, batch_size=8, limit=5).mode == "ram"


def test_a_limit_takes_the_first_captions(folder, examples):
    plan = BatchPlan.of(folder, batch_size=4, limit=10, drop_remainder=False)
    first = itertools.islice(
        ((image, caption) for _, image, captions, _ in examples for caption in captions), 10
    )
    expected = Counter(
        (image.tobytes(), tuple(folder.vocabulary.ids(split_words(caption))))
        for image, caption in first
    )
    assert pairs_of(epoch(plan)) == expected


def test_one_call_gives_a_dataset(folder):
    plan = BatchPlan.of(folder, batch_size=8, seed=2, mode="ram")
    dataset = training_dataset(folder, batch_size=8, seed=2, mode="ram", start_step=3, steps=4)
    assert_same(list(dataset.as_numpy_iterator()), take(plan, 4, 3))


@pytest.mark.parametrize("mode", MODES)
def test_workers_share_each_batch(folder, mode):
    dataset = BatchPlan.of(folder, batch_size=8, mode=mode).dataset(steps=5)
    policy = dataset.options().experimental_distribute.auto_shard_policy
    assert policy == tf.data.experimental.AutoShardPolicy.DATA


def test_evaluation_keeps_the_order(folder):
    examples = make_examples(23, seed=1, prefix="test")
    dataset = evaluation_dataset(folder, batch_size=10, with_captions=True)
    batches = list(dataset.as_numpy_iterator())
    assert dataset.cardinality() == len(batches) == 3
    assert [len(batch["image"]) for batch in batches] == [10, 10, 3]
    ids = np.concatenate([batch["id"] for batch in batches])
    assert [id.decode() for id in ids] == [id for id, *_ in examples]
    captions = np.concatenate([batch["caption"] for batch in batches])
    assert [c.decode() for c in captions] == [captions[0] for _, _, captions, _ in examples]
    images = np.concatenate([batch["image"] for batch in batches])
    np.testing.assert_array_equal(images, [image for _, image, _, _ in examples])
    assert batches[0]["attributes"][4] == b'{"number": 4}'
    assert batches[0]["token_ids"].shape[1] == max(len(c.split()) for c in captions[:10])


def test_evaluation_of_all_captions(folder):
    examples = make_examples(23, seed=1, prefix="test")
    dataset = evaluation_dataset(
        folder, batch_size=10, captions_per_picture="all", lengths=LengthRange(4, 6)
    )
    batches = list(dataset.as_numpy_iterator())
    assert batches[0].keys() == {"image", "token_ids"}
    assert pairs_of(batches) == pairs_in(folder, examples, lengths=(4, 5, 6))


def test_evaluation_can_be_limited(folder):
    batches = list(
        evaluation_dataset(folder, batch_size=10, limit=14, lengths=LengthRange(multiple=4))
    )
    assert [len(batch["image"]) for batch in batches] == [10, 4]
    assert all(batch["token_ids"].shape[1] % 4 == 0 for batch in batches)


def test_no_caption_in_the_range(folder):
    with pytest.raises(
        UserError, match="no caption has 12 to 29 words: there are captions of 3 to 9"
    ):
        BatchPlan.of(folder, batch_size=8, lengths=LengthRange(12))
    with pytest.raises(UserError, match="no caption has 1 to 2 words"):
        evaluation_dataset(folder, batch_size=8, lengths=LengthRange(longest=2))


def test_batches_larger_than_the_data(folder):
    assert BatchPlan.of(folder, batch_size=1000, mode="ram").steps_per_epoch == 1
    with pytest.raises(UserError, match="make batches smaller"):
        BatchPlan.of(folder, batch_size=1000, mode="stream")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "rma"}, "Unknown mode 'rma'. Did you mean 'ram'"),
        ({"batch_size": 0}, "batch_size: expected at least 1, got 0"),
        ({"limit": 0}, "limit: expected at least 1"),
        ({"mode": "stream", "limit": 3}, "ram or auto with a limit"),
    ],
)
def test_impossible_options_are_refused(folder, options, message):
    with pytest.raises(UsageError, match=message):
        BatchPlan.of(folder, **({"batch_size": 8} | options))


@pytest.mark.parametrize(
    ("lengths", "message"),
    [((9, 4), "--min-words <= --max-words"), ((1, 9, 0), "--length-multiple >= 1")],
)
def test_impossible_lengths_are_refused(lengths, message):
    with pytest.raises(UsageError, match=message):
        LengthRange(*lengths)


def test_an_unknown_split(folder):
    with pytest.raises(UserError, match="Did you mean 'train'"):
        BatchPlan.of(folder, "trian", batch_size=8)
    with pytest.raises(UserError, match="Did you mean 'test'"):
        evaluation_dataset(folder, "tset", batch_size=8)


@pytest.mark.parametrize("mode", MODES)
def test_a_corrupt_record_is_named_with_its_offset(tmp_path, mode):
    path = write_data_folder(tmp_path, {"train": make_examples(50)})
    shard = path / "train-00001-of-00003.tfrecord"
    first, second, *_ = read_records([shard]).as_numpy_iterator()
    offset = len(first) + len(second) + 32
    data = bytearray(shard.read_bytes())
    data[offset + 50] ^= 1
    shard.write_bytes(data)
    with pytest.raises(UserError, match=f"00001-of-00003.tfrecord: record 2, at byte {offset}"):
        BatchPlan.of(DataFolder.open(path), batch_size=8, mode=mode)


def test_a_shard_that_lost_records_is_named(tmp_path):
    path = write_data_folder(tmp_path, {"train": make_examples(50)})
    shard = path / "train-00002-of-00003.tfrecord"
    shard.write_bytes(b"")
    with pytest.raises(UserError, match=r"00002-of-00003\.tfrecord: expected 10 records, found 0"):
        BatchPlan.of(DataFolder.open(path), batch_size=8)
