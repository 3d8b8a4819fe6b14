"""The whole server: its parts put together, started, watched, and drained at the end."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from serving.server.config.flags import Flags
from serving.server.config.messages import BatchingParameters
from serving.server.config.model_config import single_model_config
from serving.server.config.session_config import session_config
from serving.server.config.text_proto import ConfigError, read_text_proto
from serving.server.grpc_api.grpc_server import GrpcServer
from serving.server.grpc_api.health import Health
from serving.server.metrics import Metrics
from serving.server.request_log import RequestLog
from serving.server.rest_api.rest_server import RestServer
from serving.server.servables.batching_options import BatchingOptions
from serving.server.servables.manager import Manager
from serving.server.servables.model import Loader
from serving.server.servables.servable import Selection, Servable
from serving.server.servables.warmup import warm_up
from serving.server.status import StatusError

BATCHING_FILE = "batching_params.pbtxt"
"""In the folder of a version, where --enable_per_model_batching_parameters is given."""

_log = logging.getLogger(__name__)


def run(flags: Flags, stop: threading.Event) -> None:
    """Serve until `stop` is set, then drain.

    Raises:
        ConfigError: a flag or a file is wrong, or a port is taken.
    """
    for note in flags.notes:
        _log.warning("%s", note)
    health, metrics = Health(), Metrics()
    allow = flags.allow_version_labels_for_unavailable_models
    manager = Manager(_loader(flags), health.set_ready, allow)
    request_log = RequestLog(metrics)
    config = _model_config(flags)
    # Both servers bind their ports here, before the models load, which may take minutes: a port in
    # use is an error at once.
    rpc = GrpcServer(flags, manager, request_log, health)
    rest = RestServer(flags, manager, request_log, metrics) if flags.rest_api_port else None
    try:
        manager.apply(config, starting=True)
    except StatusError as error:
        raise ConfigError(error.text) from error
    # Requests are answered only now: none finds its model still loading.
    rpc.start()
    if rest:
        rest.start()
    _watch(flags, manager, stop)
    _announce(rpc, rest)
    stop.wait()
    _drain(flags, health, rpc, rest, manager)


def _drain(
    flags: Flags, health: Health, rpc: GrpcServer, rest: RestServer | None, manager: Manager
) -> None:
    """Report not ready, finish running requests, refuse new ones, then free the models."""
    health.drain()
    if flags.shutdown_delay_seconds:
        _log.info("Stopping: not ready, for %g s still accepting", flags.shutdown_delay_seconds)
        time.sleep(flags.shutdown_delay_seconds)  # load balancers send requests elsewhere by then
    _log.info("Stopping: finishing running requests, refusing new ones")
    health.end_watches()
    stopped = rpc.stop(flags.shutdown_grace_seconds)  # does not wait, so that REST stops as well
    if rest:
        rest.stop()
    stopped.wait()
    manager.close()  # last: running requests use the models
    _log.info("Stopped")


def _loader(flags: Flags) -> Loader:
    """From the folder of a version to a warm servable."""
    batching, config = _batching(flags), session_config(flags)
    tags = [tag for tag in flags.saved_model_tags.split(",") if tag]

    def load(path: Path, asked: list[Selection]) -> Servable:
        servable = Servable(path, batching(path), tags, config)
        try:
            iterations = max(1, flags.num_request_iterations_for_warmup)
            count = warm_up(servable, asked, iterations) if flags.enable_model_warmup else 0
        except Exception:
            servable.close()
            raise
        if count:
            _log.info("Warmed up version %s with %d requests", path.name, count)
        return servable

    return load


def _batching(flags: Flags) -> Callable[[Path], BatchingOptions | None]:
    """The options of batching for the version in a folder; None for no batches."""
    if not flags.enable_batching:
        return lambda path: None
    common = BatchingOptions()
    if flags.batching_parameters_file:
        message = read_text_proto(flags.batching_parameters_file, BatchingParameters())
        common = BatchingOptions.of(message)
    if not flags.enable_per_model_batching_parameters:
        return lambda path: common
    return _own_batching


def _own_batching(path: Path) -> BatchingOptions | None:
    file = path / BATCHING_FILE
    if not file.is_file():
        return None
    return BatchingOptions.of(read_text_proto(str(file), BatchingParameters()))


def _model_config(flags: Flags) -> ModelServerConfig:
    if flags.model_config_file:
        return read_text_proto(flags.model_config_file, ModelServerConfig())
    base_path = Path(flags.model_base_path)
    if not base_path.is_dir():
        raise ConfigError(
            f"--model_base_path {base_path} is not a folder. Expected a folder of numbered "
            f"versions, as in {base_path}/1/saved_model.pb."
        )
    if (base_path / "saved_model.pb").is_file():
        raise ConfigError(
            f"--model_base_path {base_path} is a single SavedModel. Expected the folder of its "
            "numbered versions, which is most often the one above."
        )
    return single_model_config(flags.model_name, str(base_path))


def _watch(flags: Flags, manager: Manager, stop: threading.Event) -> None:
    """Look for new versions, and for changes of the model config file, in the background."""
    _repeat(flags.file_system_poll_wait_seconds, manager.refresh, stop)
    if flags.model_config_file:
        reload = _reload_when_changed(flags.model_config_file, manager)
        _repeat(flags.model_config_file_poll_wait_seconds, reload, stop)


def _reload_when_changed(path: str, manager: Manager) -> Callable[[], None]:
    """Applies the model config file where it has changed since the last call.

    An unchanged file is not applied again: it would undo a configuration that a client has sent
    with HandleReloadConfigRequest in the meantime. One that is refused is tried again each time,
    as its versions may still be on their way to the disk; the reason is logged once.
    """
    applied, reason = read_text_proto(path, ModelServerConfig()), ""

    def reload() -> None:
        nonlocal applied, reason
        config = read_text_proto(path, ModelServerConfig())
        if config == applied:
            return
        try:
            manager.apply(config)
        except StatusError as error:
            if error.text != reason:
                _log.error("%s is not applied, and nothing has changed: %s", path, error.text)
            reason = error.text
            return
        applied, reason = config, ""

    return reload


def _repeat(seconds: float, action: Callable[[], None], stop: threading.Event) -> None:
    """Call `action` every so many seconds in a thread, until `stop` is set; never, if that is 0."""

    def loop() -> None:
        while not stop.wait(seconds):
            try:
                action()
            except Exception as error:  # a file that is half written is complete the next time
                _log.error("%s", error)

    if seconds > 0:
        threading.Thread(target=loop, name="watch", daemon=True).start()


def _announce(rpc: GrpcServer, rest: RestServer | None) -> None:
    on_rest = f", REST on {', '.join(rest.addresses)}" if rest else ""
    _log.info("Serving gRPC on %s%s", ", ".join(rpc.addresses), on_rest)
