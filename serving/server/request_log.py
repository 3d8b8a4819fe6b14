"""What becomes of every request: counted, timed, and, if it failed, told in one line of the log."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import grpc

from serving.server.metrics import Metrics
from serving.server.status import Failure, as_failure

_log = logging.getLogger(__name__)


@dataclass
class Call:
    """One request. `model` is set once it is found: names that clients invent are not counted."""

    api: str
    entrypoint: str
    metrics: Metrics
    model: str = ""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Time the model's part."""
        start = time.perf_counter()
        yield
        self.metrics.ran(self.model, self.api, time.perf_counter() - start)


class Ledger:
    """Opens a Call for every request."""

    def __init__(self, metrics: Metrics):
        self._metrics = metrics

    @contextmanager
    def call(self, api: str, entrypoint: str) -> Iterator[Call]:
        """Count and time the block. Whatever it raises leaves as a Failure."""
        call, start, status = Call(api, entrypoint, self._metrics), time.perf_counter(), "OK"
        try:
            yield call
        except Exception as error:
            failure = as_failure(error)
            status = failure.code.name
            _log_failure(call, failure, error)
            raise failure from error
        finally:
            # a frame that holds the exception it raised is a cycle; it keeps the request's arrays
            failure = None
            seconds = time.perf_counter() - start
            self._metrics.request(call.model, api, entrypoint, status, seconds)


def _log_failure(call: Call, failure: Failure, error: Exception) -> None:
    """One line; an unforeseen error also says what it was, for here no client reads it."""
    unforeseen = failure.code is grpc.StatusCode.INTERNAL
    _log.warning(
        "%s failed: model=%s entrypoint=%s status=%s text=%r%s",
        call.api,
        call.model or "?",
        call.entrypoint,
        failure.code.name,
        failure.text,
        f" cause={error!r}" if unforeseen else "",
    )
