"""How workers tell each other values, through keys and values that all of them can read."""

import json
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from t2i_tf.errors import UserError

Value = TypeVar("Value")


class Store(Protocol):
    """Keys and values that all workers share."""

    def put(self, key: str, value: str) -> None:
        """Sets a key that has no value yet."""

    def get(self, key: str) -> str:
        """The value of a key, as soon as some worker has set it."""
        ...


class Exchange:
    """Calls that all workers make in the same order, and whose answers all of them get.

    A call fails on all workers alike: the worker on which the action fails raises its error, the
    others one that names the worker.

    Args:
        index: Rank of this worker; the chief has rank 0.
        count: Number of workers.
        store: What they share.
    """

    def __init__(self, index: int, count: int, store: Store):
        self.index, self.count, self.store = index, count, store
        self._calls = 0
        self._failure: Exception | None = None

    def chief_does(self, action: Callable[[], Value]) -> Value:
        """What `action` returns on the chief, which alone calls it."""
        self._calls += 1
        if self.index == 0:
            self._tell(action)
        return self._answer_of(0)

    def gather(self, action: Callable[[], Value]) -> list[Value]:
        """What `action` returns on every worker, by rank."""
        self._calls += 1
        self._tell(action)
        return [self._answer_of(rank) for rank in range(self.count)]

    def after_chief(self, action: Callable[[], Any]) -> Any:
        """What `action` returns on this worker, called when the chief's call is done."""
        made = []

        def once() -> None:
            if not made:
                made.append(action())

        self.chief_does(once)
        self.gather(once)
        return made[0]

    def _tell(self, action: Callable[[], Any]) -> None:
        try:
            answer = {"value": action()}
        except (UserError, OSError) as error:
            answer = {"error": str(error), "code": getattr(error, "exit_code", 1)}
            self._failure = error
        self.store.put(self._key(self.index), json.dumps(answer))

    def _answer_of(self, rank: int) -> Any:
        answer = json.loads(self.store.get(self._key(rank)))
        if "error" not in answer:
            return answer["value"]
        if rank == self.index and self._failure:
            raise self._failure
        error = UserError(f"Worker {rank} ends the training: {answer['error']}")
        error.exit_code = answer["code"]
        raise error

    def _key(self, rank: int) -> str:
        return f"t2i/{self._calls}/{rank}"
