"""Prometheus metrics, by TensorFlow Serving's names and labels."""

import threading

from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import Metric

DEFAULT_PATH = "/monitoring/prometheus/metrics"

_MICROSECONDS = tuple(10 * 1.8**k for k in range(33))

disable_created_metrics()


class _Count:
    """A counter under its bare name. prometheus_client's own would append `_total` to it."""

    def __init__(self, name: str, text: str, labels: tuple[str, ...]):
        self._name, self._text, self._labels = name, text, labels
        self._values: dict[tuple[str, ...], int] = {}
        self._lock = threading.Lock()

    def increment(self, *labels: str) -> None:
        """One more under these label values."""
        with self._lock:
            self._values[labels] = self._values.get(labels, 0) + 1

    def collect(self):
        """Called by the registry. `unknown` is the one type whose name is left alone."""
        metric = Metric(self._name, self._text, "unknown")
        with self._lock:
            values = dict(self._values)
        for labels, value in values.items():
            metric.add_sample(self._name, dict(zip(self._labels, labels, strict=True)), value)
        yield metric


class Metrics:
    """What the server counts and times. Times are microseconds, as TensorFlow Serving's are."""

    def __init__(self):
        self._registry = CollectorRegistry()
        self._requests = _Count(
            ":tensorflow:serving:request_count",
            "The total number of requests.",
            ("model_name", "status"),
        )
        self._registry.register(self._requests)
        self._latency = self._times(
            ":tensorflow:serving:request_latency",
            "Distribution of wall time (in microseconds) for a request.",
            ("model_name", "API", "entrypoint"),
        )
        self._runtime = self._times(
            ":tensorflow:serving:runtime_latency",
            "Distribution of wall time (in microseconds) for Tensorflow runtime.",
            ("model_name", "API", "runtime"),
        )

    def request(self, model: str, api: str, entrypoint: str, status: str, seconds: float) -> None:
        """A request ended."""
        self._requests.increment(model, status)
        self._latency.labels(model, api, entrypoint).observe(seconds * 1e6)

    def ran(self, model: str, api: str, seconds: float) -> None:
        """The model ran for a request, the wait for a batch included."""
        self._runtime.labels(model, api, "TF1").observe(seconds * 1e6)

    def text(self) -> bytes:
        """Prometheus' text format."""
        return generate_latest(self._registry)

    def _times(self, name: str, text: str, labels: tuple[str, ...]) -> Histogram:
        return Histogram(name, text, labels, buckets=_MICROSECONDS, registry=self._registry)
