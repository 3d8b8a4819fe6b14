"""Health over the standard protocol: SERVING while every model has a version that answers."""

import threading
from collections.abc import Callable

from grpc_health.v1 import health, health_pb2
from tensorflow_serving.apis import model_service_pb2, prediction_service_pb2

SERVICES = tuple(
    service.full_name
    for module in (model_service_pb2, prediction_service_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
)
"""TensorFlow Serving's services. Importing their modules, which the stubs do not, also registers
the descriptors that the reflection service answers with."""

_SHORT_NAMES = tuple(name.rpartition(".")[2] for name in SERVICES)  # as TensorFlow Serving has them


class Health:
    """The health service, and what the server reports to it."""

    def __init__(self):
        self.servicer = _Servicer()
        self._ready: bool | None = None
        self._lock = threading.Lock()
        self.set_ready(False)  # until the models are loaded

    def set_ready(self, ready: bool) -> None:
        """Set the state of every service, and of the server, whose name is empty.

        Who watches is sent a message when the state changes, as the protocol has it, and not each
        time that it is set.
        """
        with self._lock:
            if ready != self._ready:
                self._ready = ready
                self._set(ready)

    def _set(self, ready: bool) -> None:
        serving = health_pb2.HealthCheckResponse.SERVING
        not_serving = health_pb2.HealthCheckResponse.NOT_SERVING
        for service in ("", *SERVICES, *_SHORT_NAMES):
            self.servicer.set(service, serving if ready else not_serving)

    def drain(self) -> None:
        """Report NOT_SERVING from now on, whatever `set_ready` is called with."""
        self.servicer.enter_graceful_shutdown()

    def end_watches(self) -> None:
        """End the streams of those who watch, for which a stopping server would wait."""
        self.servicer.end_watches()


class _Servicer(health.HealthServicer):
    """Remembers the open streams."""

    def __init__(self):
        super().__init__()
        self._streams: dict[Callable, None] = {}

    def Watch(self, request, context, send_response_callback=None):
        if send_response_callback:
            self._streams[send_response_callback] = None
            context.add_callback(lambda: self._streams.pop(send_response_callback, None))
        return super().Watch(request, context, send_response_callback)

    def end_watches(self) -> None:
        for end in list(self._streams):
            end(None)
