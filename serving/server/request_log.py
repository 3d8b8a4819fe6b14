"""Every request is counted and timed, and each one that fails is one line of the log."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import grpc

from serving.server.metrics import Metrics
from serving.server.status import StatusError, as_status_error

_log = logging.getLogger(__name__)


@dataclass
class RequestRecord:
    """One request. `model` is set once the model is found.

    Until then it is "", which keeps names that clients invent out of the labels of the metrics.
    """

    api: str
    entrypoint: str
    metrics: Metrics
    model: str = ""

    @contextmanager
    def time_model(self) -> Iterator[None]:
        """Time the block as the model's part of the request."""
        start = time.perf_counter()
        yield
        self.metrics.ran(self.model, self.api, time.perf_counter() - start)


class RequestLog:
    """Opens a record for every request."""

    def __init__(self, metrics: Metrics):
        self._metrics = metrics

    @contextmanager
    def record(self, api: str, entrypoint: str) -> Iterator[RequestRecord]:
        """Count and time the block. Whatever it raises becomes a StatusError."""
        record = RequestRecord(api, entrypoint, self._metrics)
        start, status = time.perf_counter(), "OK"
        try:
            yield record
        except Exception as error:
            status_error = as_status_error(error)
            status = status_error.code.name
            _log_error(record, status_error, error)
            raise status_error from error
        finally:
            # A frame that refers to the exception it raised is a reference cycle. It would keep the
            # arrays of the request alive until the garbage collector runs.
            status_error = None
            seconds = time.perf_counter() - start
            self._metrics.request(record.model, api, entrypoint, status, seconds)


def _log_error(record: RequestRecord, status_error: StatusError, error: Exception) -> None:
    """One line. The cause of an internal error is written here only: no client reads the log."""
    internal = status_error.code is grpc.StatusCode.INTERNAL
    _log.warning(
        "%s failed: model=%s entrypoint=%s status=%s text=%r%s",
        record.api,
        record.model or "?",
        record.entrypoint,
        status_error.code.name,
        status_error.text,
        f" cause={error!r}" if internal else "",
    )
