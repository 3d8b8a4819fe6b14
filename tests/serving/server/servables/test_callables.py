"""Slow functions that many threads ask for at once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from serving.server.servables.callables import Callables
from serving.server.servables.servable import Servable
from tests.patience import PATIENCE
from tests.serving.server_process import floats


class Maker:
    """Makes a function in 0.05 s, and counts how often; refuses the key "bad"."""

    def __init__(self):
        self.made: list[str] = []

    def __call__(self, key):
        self.made.append(key)
        time.sleep(0.05)
        if key == "bad":
            raise ValueError(key)
        return lambda: key


def test_32_threads_share_one_function():
    maker = Maker()
    callables = Callables(maker, 4)
    with ThreadPoolExecutor(32) as pool:
        functions = list(pool.map(callables.get, ["a"] * 32))
    assert maker.made == ["a"]
    assert len(set(functions)) == 1


def test_who_asks_for_a_finished_function_does_not_wait_for_another():
    maker = Maker()
    callables = Callables(maker, 4)
    callables.get("a")
    may_finish = threading.Event()
    callables._make = lambda key: may_finish.wait(PATIENCE)
    with ThreadPoolExecutor(1) as pool:
        making = pool.submit(callables.get, "b")
        assert callables.get("a")() == "a"
        may_finish.set()
        assert making.result()


def test_an_error_reaches_all_who_wait_and_is_not_kept():
    maker = Maker()
    callables = Callables(maker, 4)
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(callables.get, "bad") for _ in range(4)]
        assert {type(future.exception()) for future in waiting} == {ValueError}
    with pytest.raises(ValueError):
        callables.get("bad")
    assert callables.keys() == []


def test_the_least_recently_used_are_forgotten():
    maker = Maker()
    callables = Callables(maker, 2)
    for key in ("a", "b", "a", "c", "a"):
        callables.get(key)
    assert maker.made == ["a", "b", "c"]
    assert callables.keys() == ["c", "a"]


def test_concurrent_requests_for_a_cold_output_share_one_callable(models):
    servable = Servable(models / "sum" / "1")
    made, make = [], servable._callables._make

    def counted(selection):
        made.append(selection)
        return make(selection)

    servable._callables._make = counted
    feeds = {"a": floats(3), "b": floats(1)}
    with ThreadPoolExecutor(16) as pool:
        run = lambda _: servable.run(servable.signature(""), feeds, ["difference"])  # noqa: E731
        answers = list(pool.map(run, range(16)))
    servable.close()
    assert [answer["difference"].tolist() for answer in answers] == [[2.0]] * 16
    assert made == [("serving_default", ("difference",))]
