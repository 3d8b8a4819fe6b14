"""Prometheus metrics, by TensorFlow Serving's names and labels."""

import threading

from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import Metric

DEFAULT_PATH = "/monitoring/prometheus/metrics"

_MICROSECONDS = tuple(10 * 1.8**k for k in range(33))  # TensorFlow Serving's buckets

disable_created_metrics()  # TensorFlow Serving has no `_created` series


class _Counter:
    """A counter under its bare name. prometheus_client's own would append `_total` to it."""

    def __init__(self, name: str, text: str, labels: tuple[str, ...]):
        self._name, self._text, self._labels = name, text, labels
        self._values: dict[tuple[str, ...], int] = {}
        self._lock = threading.Lock()

    def increment(self, *labels: str) -> None:
        """Add 1 under these label values."""
        with self._lock:
            self._values[labels] = self._values.get(labels, 0) + 1

    def collect(self):
        """Called by the registry."""
        # `unknown` is the only type to whose name the text format appends nothing.
        metric = Metric(self._name, self._text, "unknown")
        with self._lock:
            values = dict(self._values)
        for labels, value in values.items():
            metric.add_sample(self._name, dict(zip(self._labels, labels, strict=True)), value)
        yield metric


class Metrics:
    """Counts and times of the server. Times are in microseconds, as TensorFlow Serving's are."""

    def __init__(self):
        # A registry of its own: the default one adds metrics of the Python process.
        self._registry = CollectorRegistry()
        self._requests = _Counter(
            ":tensorflow:serving:request_count",
            "The total number of requests.",
            ("model_name", "status"),
        )
        self._registry.register(self._requests)
        self._latency = self._histogram(
            ":tensorflow:serving:request_latency",
            "Distribution of wall time (in microseconds) for a request.",
            ("model_name", "API", "entrypoint"),
        )
        self._runtime = self._histogram(
            ":tensorflow:serving:runtime_latency",
            "Distribution of wall time (in microseconds) for Tensorflow runtime.",
            ("model_name", "API", "runtime"),
        )

    def request(self, model: str, api: str, entrypoint: str, status: str, seconds: float) -> None:
        """Count a request that has ended."""
        self._requests.increment(model, status)
        self._latency.labels(model, api, entrypoint).observe(seconds * 1e6)

    def ran(self, model: str, api: str, seconds: float) -> None:
        """Time the model's part of a request, the wait for a batch included."""
        # "TF1" is TensorFlow Serving's label of a model that runs in a Session.
        self._runtime.labels(model, api, "TF1").observe(seconds * 1e6)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def _histogram(self, name: str, text: str, labels: tuple[str, ...]) -> Histogram:
        return Histogram(name, text, labels, buckets=_MICROSECONDS, registry=self._registry)
