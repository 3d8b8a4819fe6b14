"""Functions that are slow to make: each is made once, however many threads ask for it at once."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any


class Callables:
    """Functions by key, made when first asked for. The least recently used are forgotten.

    Threads that ask for a function while it is made wait for it, and no others do.

    Args:
        make: Makes the function of a key. An error reaches every thread that waits, and is not
            kept: the next thread that asks tries again.
        limit: Most functions to hold.
    """

    def __init__(self, make: Callable[[Any], Callable], limit: int):
        self._make = make
        self._limit = limit
        self._lock = threading.Lock()  # guards `_functions`, and is never held while one is made
        self._functions: OrderedDict[Hashable, Future] = OrderedDict()

    def get(self, key: Hashable) -> Callable:
        """The function of this key."""
        with self._lock:
            future = self._functions.get(key)
            missing = future is None
            if future is None:
                future = self._functions[key] = Future()
                if len(self._functions) > self._limit:
                    self._functions.popitem(last=False)
            self._functions.move_to_end(key)
        if missing:
            self._fill(key, future)
        return future.result()

    def keys(self) -> list[Hashable]:
        """The keys that were asked for, the most recently used last."""
        with self._lock:
            return list(self._functions)

    def clear(self) -> None:
        """Forget every function."""
        with self._lock:
            self._functions.clear()

    def _fill(self, key: Hashable, future: Future) -> None:
        try:
            future.set_result(self._make(key))
        except BaseException as error:
            with self._lock:
                if self._functions.get(key) is future:
                    del self._functions[key]
            future.set_exception(error)
