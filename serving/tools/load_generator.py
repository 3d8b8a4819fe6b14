"""Load on anything that can be called, in a closed or an open loop, and what was measured."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from serving.errors import RequestError

Send = Callable[[int], object]
"""Sends request number i and returns when it is answered."""


@dataclass
class Outcome:
    """Latencies of the answered requests, the number that failed, and the duration of the load."""

    milliseconds: list[float] = field(default_factory=list)
    errors: int = 0
    first_error: str = ""
    seconds: float = 0.0

    def percentile(self, q: float) -> float | None:
        """Percentile q of the latency, ms; None where no request was answered."""
        return float(np.percentile(self.milliseconds, q)) if self.milliseconds else None

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.milliseconds) / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class LoadProfile:
    """How requests are sent, and when the load ends.

    Raises:
        RequestError: a limit is not positive or not finite.
    """

    clients: int
    """Most requests in flight."""
    requests: int
    """The load ends after this many requests, or ..."""
    seconds: float
    """... after this time, whichever comes first."""
    rate: float | None = None
    """Requests started per second; None is a closed loop, where each client awaits its answer."""

    def __post_init__(self) -> None:
        for name in ("clients", "requests"):
            if getattr(self, name) < 1:
                raise RequestError(f"--{name} must be at least 1, not {getattr(self, name)}.")
        for name in ("seconds", "rate"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise RequestError(f"--{name} must be more than 0, not {value:g}.")


def measure(send: Send, load: LoadProfile) -> Outcome:
    """Call `send` from `load.clients` threads.

    In an open loop the latency of a request starts at the moment it was due. Timed from the moment
    it was sent, a slow server would look fast: the requests that it delays would not be counted as
    waiting.
    """
    outcome, lock = Outcome(), threading.Lock()
    start = time.perf_counter()
    schedule = _schedule(load, start)

    def client() -> None:
        while True:
            with lock:  # a generator must not be resumed by two threads at once
                scheduled = next(schedule, None)
            if scheduled is None:
                return
            number, due = scheduled
            time.sleep(max(0.0, due - time.perf_counter()))
            began = due if load.rate else time.perf_counter()
            error = _error_of(send, number)
            elapsed = time.perf_counter() - began
            with lock:
                _add(outcome, error, elapsed)

    threads = [threading.Thread(target=client) for _ in range(load.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcome.seconds = time.perf_counter() - start
    return outcome


def _schedule(load: LoadProfile, start: float) -> Iterator[tuple[int, float]]:
    """The number of each request and the time at which it is due, until the load ends."""
    for number in range(load.requests):
        due = start + number / load.rate if load.rate else time.perf_counter()
        if max(due, time.perf_counter()) > start + load.seconds:
            return
        yield number, due


def _error_of(send: Send, number: int) -> Exception | None:
    try:
        send(number)
    except Exception as error:
        return error
    return None


def _add(outcome: Outcome, error: Exception | None, elapsed: float) -> None:
    if error is None:
        outcome.milliseconds.append(1000 * elapsed)
    else:
        outcome.errors += 1
        outcome.first_error = outcome.first_error or str(error)
