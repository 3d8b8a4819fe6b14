"""What those who watch the server's health are sent."""

from types import SimpleNamespace

from grpc_health.v1 import health_pb2

from serving.server.grpc_api.health import Health

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def test_a_state_is_sent_when_it_changes_and_not_each_time_that_it_is_set():
    health, sent = Health(), []
    context = SimpleNamespace(add_callback=lambda callback: True)
    health.servicer.Watch(
        health_pb2.HealthCheckRequest(), context, lambda response: sent.append(response.status)
    )
    for ready in (False, True, True, False, False, True):
        health.set_ready(ready)
    assert sent == [NOT_SERVING, SERVING, NOT_SERVING, SERVING]
