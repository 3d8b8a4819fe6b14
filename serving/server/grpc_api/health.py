"""Health over the standard protocol: serving when every model has a version that answers."""

from grpc_health.v1 import health, health_pb2

SERVICES = ("tensorflow.serving.PredictionService", "tensorflow.serving.ModelService")


class Health:
    """The servicer, and the two things that are said to it."""

    def __init__(self):
        self.servicer = health.HealthServicer()
        self.set_ready(False)

    def set_ready(self, ready: bool) -> None:
        """Tell it of every service, and of the server, whose name is empty."""
        serving = health_pb2.HealthCheckResponse.SERVING
        not_serving = health_pb2.HealthCheckResponse.NOT_SERVING
        for service in ("", *SERVICES):
            self.servicer.set(service, serving if ready else not_serving)

    def drain(self) -> None:
        """Not serving, for good."""
        self.servicer.enter_graceful_shutdown()
