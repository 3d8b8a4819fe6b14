"""Load on anything that can be called: closed and open loops, and what they measured."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

Request = Callable[[int], object]
"""Sends request number i and returns when it is answered."""


@dataclass
class Outcome:
    """Latencies of the answered requests, how many failed, and how long the whole took."""

    milliseconds: list[float] = field(default_factory=list)
    errors: int = 0
    first_error: str = ""
    seconds: float = 0.0

    def percentile(self, q: float) -> float | None:
        """Latency in ms that q percent of the answers did not exceed; None without answers."""
        return float(np.percentile(self.milliseconds, q)) if self.milliseconds else None

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.milliseconds) / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Load:
    """How requests are made, and when it ends."""

    clients: int
    requests: int
    seconds: float
    rate: float | None = None
    """Requests begun per second; None is a closed loop, where each client awaits its answer."""


def measure(send: Request, load: Load) -> Outcome:
    """Put the load on `send` from `load.clients` threads.

    In an open loop a request is timed from the moment it was due, so that a slow server cannot
    hide behind the requests that it kept from being sent.
    """
    outcome, lock = Outcome(), threading.Lock()
    start = time.perf_counter()
    turns = _turns(load, start)

    def client() -> None:
        while True:
            with lock:
                turn = next(turns, None)
            if turn is None:
                return
            number, due = turn
            time.sleep(max(0.0, due - time.perf_counter()))
            began = due if load.rate else time.perf_counter()
            error = _failure(send, number)
            elapsed = time.perf_counter() - began
            with lock:
                _note(outcome, error, elapsed)

    threads = [threading.Thread(target=client) for _ in range(load.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcome.seconds = time.perf_counter() - start
    return outcome


def _turns(load: Load, start: float) -> Iterator[tuple[int, float]]:
    """The number of each request and the time at which it is due, until the load's end."""
    for number in range(load.requests):
        due = start + number / load.rate if load.rate else time.perf_counter()
        if max(due, time.perf_counter()) > start + load.seconds:
            return
        yield number, due


def _failure(send: Request, number: int) -> Exception | None:
    try:
        send(number)
    except Exception as error:
        return error
    return None


def _note(outcome: Outcome, error: Exception | None, elapsed: float) -> None:
    if error is None:
        outcome.milliseconds.append(1000 * elapsed)
    else:
        outcome.errors += 1
        outcome.first_error = outcome.first_error or str(error)
