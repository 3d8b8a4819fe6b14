"""The REST server: uvicorn in a thread of its own, on a socket bound before models load."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import uvicorn

from serving.server import addresses
from serving.server.config.flags import Flags
from serving.server.config.messages import MonitoringConfig
from serving.server.config.text_proto import ConfigError, read_text_proto
from serving.server.metrics import DEFAULT_PATH, Metrics
from serving.server.request_log import RequestLog
from serving.server.rest_api.rest import Rest, application
from serving.server.rest_api.timed_connection import timed_connections
from serving.server.servables.manager import Manager


class RestServer:
    """Binds its port when it is made, and answers from `start` to `stop`. Raises ConfigError."""

    def __init__(self, flags: Flags, manager: Manager, request_log: RequestLog, metrics: Metrics):
        threads = ThreadPoolExecutor(flags.rest_api_num_threads, thread_name_prefix="rest")
        timeout = flags.rest_api_timeout_in_ms / 1e3
        rest = Rest(manager, request_log, threads, timeout, flags.max_request_bytes)
        path = metrics_path(flags.monitoring_config_file)
        app = application(rest, path, metrics.text, flags.rest_api_enable_cors_support)
        self._sockets = addresses.listen(flags.host, flags.rest_api_port, "--rest_api_port")
        self.addresses = [str(addresses.bound(each)) for each in self._sockets]
        """Where it listens, to be shown."""
        config = uvicorn.Config(
            app,
            http=timed_connections(timeout),
            log_config=None,  # the process has its own log, set up already
            access_log=False,
            server_header=False,
            ws="none",  # whether or not a library for WebSockets is installed
            lifespan="off",
            timeout_graceful_shutdown=max(1, round(flags.shutdown_grace_seconds)),
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=(self._sockets,), name="rest", daemon=True
        )

    def start(self) -> None:
        """Start answering requests; returns once the server does."""
        self._thread.start()
        # The thread ends before `started` where uvicorn fails to start: it must not be awaited.
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.01)

    def stop(self) -> None:
        """Finish running requests and refuse new ones."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        addresses.close(self._sockets)


def metrics_path(monitoring_config_file: str) -> str:
    """The path of the metrics; empty where they are not enabled. Raises ConfigError."""
    if not monitoring_config_file:
        return ""
    config = read_text_proto(monitoring_config_file, MonitoringConfig()).prometheus_config
    path = config.path or DEFAULT_PATH
    if not path.startswith("/"):
        raise ConfigError(f"{monitoring_config_file}: path must begin with /, got {path!r}")
    return path if config.enable else ""
