import numpy as np
import pytest
import tensorflow as tf

from pipelines.data.batches.replica_shares import ReplicaRange, check_divisible, replica_shares
from t2i_tf.errors import UsageError


def batches():
    numbers = tf.data.Dataset.range(24, output_type=tf.int32).batch(12)
    return numbers.map(lambda x: {"number": x, "square": tf.stack([x, x * x], axis=1)})


def shares(*replicas):
    found = replica_shares(batches(), ReplicaRange(*replicas)).as_numpy_iterator()
    return [part["number"].tolist() for part in found]


def test_replicas_take_consecutive_parts_of_every_batch():
    assert shares(0, 1, 3) == [[0, 1, 2, 3], [12, 13, 14, 15]]
    assert shares(2, 1, 3) == [[8, 9, 10, 11], [20, 21, 22, 23]]


def test_a_worker_with_two_replicas_takes_their_parts_one_after_another():
    assert shares(2, 2, 4) == [[6, 7, 8], [9, 10, 11], [18, 19, 20], [21, 22, 23]]


def test_together_they_take_the_whole_batch():
    whole = [batch["square"] for batch in batches().as_numpy_iterator()]
    parts = [
        [part["square"] for part in replica_shares(batches(), ReplicaRange(r, 1, 4))]
        for r in range(4)
    ]
    for k, batch in enumerate(whole):
        np.testing.assert_array_equal(np.concatenate([part[k] for part in parts]), batch)


def test_a_batch_that_cannot_be_shared_says_which_could():
    check_divisible(12, 3, "A batch", "--batch-size")
    with pytest.raises(UsageError, match=r"A batch of 64.*3 replicas.*--batch-size 63 or 66"):
        check_divisible(64, 3, "A batch", "--batch-size")
    with pytest.raises(UsageError, match=r"Set --batch-size 3,"):
        check_divisible(2, 3, "A batch", "--batch-size")
