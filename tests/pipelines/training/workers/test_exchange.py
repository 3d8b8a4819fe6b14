import threading
from concurrent.futures import ThreadPoolExecutor

from pipelines.training.workers.exchange import Exchange
from t2i_tf.errors import UsageError, UserError
from tests.patience import PATIENCE


class Shared:
    """Keys and values of threads."""

    def __init__(self):
        self.values, self.changed = {}, threading.Condition()

    def put(self, key, value):
        with self.changed:
            assert key not in self.values
            self.values[key] = value
            self.changed.notify_all()

    def get(self, key):
        with self.changed:
            assert self.changed.wait_for(lambda: key in self.values, timeout=PATIENCE)
            return self.values[key]


def on_all(work, count=3):
    """What `work` returns, or the error that it raises, on each of several workers."""
    store = Shared()

    def one(rank):
        try:
            return work(rank, Exchange(rank, count, store))
        except Exception as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_all_get_what_the_chief_does():
    done = []

    def work(rank, exchange):
        return exchange.chief_does(lambda: done.append(rank) or {"rank": rank})

    assert on_all(work) == 3 * [{"rank": 0}]
    assert done == [0]


def test_all_gather_the_values_of_all():
    assert on_all(lambda rank, exchange: exchange.gather(lambda: 10 * rank)) == 3 * [[0, 10, 20]]


def test_the_chief_is_first_and_each_keeps_its_own_value():
    order = []

    def work(rank, exchange):
        return exchange.after_chief(lambda: order.append(rank) or object())

    assert len(set(on_all(work))) == 3
    assert order[0] == 0 and sorted(order) == [0, 1, 2]


def test_the_failure_of_one_ends_all_with_its_reason_and_code():
    def fails():
        raise UsageError("--data x is missing.")

    def work(rank, exchange):
        return exchange.gather(fails if rank == 1 else lambda: rank)

    first, own, last = on_all(work)
    assert isinstance(own, UsageError) and str(own) == "--data x is missing."
    for error in (first, last):
        assert isinstance(error, UserError) and error.exit_code == 2
        assert str(error) == "Worker 1 ends the training: --data x is missing."


def test_a_full_disk_of_the_chief_is_told_to_all():
    def fails():
        raise OSError(28, "No space left on device", "w/best.json")

    own, other, _ = on_all(lambda rank, exchange: exchange.chief_does(fails))
    assert isinstance(own, OSError) and own.filename == "w/best.json"
    assert "Worker 0" in str(other) and "No space left" in str(other)
