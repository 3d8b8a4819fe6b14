"""One served model: its versions, each loaded before the one that it replaces is unloaded."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus

from serving.server.servables import versions
from serving.server.servables.servable import Servable
from serving.server.status import StatusError, as_status_error, without_paths

Loader = Callable[[Path], Servable]

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Version:
    """One version, in one of the states START, LOADING, AVAILABLE, UNLOADING, END."""

    number: int
    path: Path
    state: int = ModelVersionStatus.START
    error: StatusError | None = None
    """Why it could not be loaded."""
    fingerprint: tuple = ()
    servable: Servable | None = None
    users: int = 0
    """Running requests."""

    def status(self) -> ModelVersionStatus:
        """Its entry in the answer to GetModelStatus."""
        status = ModelVersionStatus(version=self.number, state=self.state)
        status.status.error_code = self.error.code.value[0] if self.error else 0
        status.status.error_message = self.error.text if self.error else ""
        return status


class Model:
    """The versions of one model. `refresh` is for one thread at a time; all else for any thread.

    Args:
        name: The name that requests use.
        base_path: Folder of the numbered versions.
        policy: Which of them are served.
        load: Loads the version in a folder.
    """

    def __init__(self, name: str, base_path: Path, policy: versions.Policy, load: Loader):
        self.name = name
        self.base_path = base_path
        self.policy = policy
        self._load = load
        self._versions: dict[int, Version] = {}
        # Guards `_versions` and the state of each version, and is notified as requests end. Never
        # held while a version loads: requests to the others continue.
        self._changed = threading.Condition()
        self._warning = ""

    @contextmanager
    def use(self, number: int | None = None) -> Iterator[Version]:
        """A version, kept loaded while the block runs; the latest for None. Raises NOT_FOUND."""
        with self._changed:
            version = self._find(number)
            version.users += 1
        try:
            yield version
        finally:
            with self._changed:
                version.users -= 1
                self._changed.notify_all()

    def available(self) -> list[int]:
        """Versions that answer requests now, ascending."""
        with self._changed:
            return sorted(
                v.number for v in self._versions.values() if v.state == ModelVersionStatus.AVAILABLE
            )

    def statuses(self) -> dict[int, ModelVersionStatus]:
        """Every version since the start, newest first, as TensorFlow Serving lists them."""
        with self._changed:
            return {n: self._versions[n].status() for n in sorted(self._versions, reverse=True)}

    def refresh(self) -> None:
        """Load the selected versions that are on disk, then unload the others.

        Versions are unloaded only where a selected one serves: neither a corrupt new version nor an
        unreadable folder takes the old one away.
        """
        selected = self._selected()
        if not selected:
            return
        for number in sorted(selected):
            self._load_version(number, selected[number])
        if set(self.available()) & set(selected):
            self._retire(set(self.available()) - set(selected))

    def close(self) -> None:
        """Unload every version, and wait until its last request is answered."""
        for thread in self._retire(set(self.available())):
            thread.join()

    def _find(self, number: int | None) -> Version:
        available = [v for v in self._versions.values() if v.state == ModelVersionStatus.AVAILABLE]
        candidates = [v for v in available if number in (None, v.number)]
        if not candidates:
            which = f"Latest({self.name})" if number is None else f"Specific({self.name}, {number})"
            raise servable_not_found(which)
        return max(candidates, key=lambda version: version.number)

    def _selected(self) -> dict[int, Path]:
        """Selected versions on disk; {}, with a warning, where the base path has none."""
        try:
            selected = versions.selected(versions.on_disk(self.base_path), self.policy)
            warning = "" if selected else "no version to serve found"
        except OSError as error:
            selected, warning = {}, f"cannot list: {error.strerror}"
        if warning and warning != self._warning:  # once, not at every poll
            _log.warning("Model %s: %s under %s", self.name, warning, self.base_path)
        self._warning = warning
        return selected

    def _load_version(self, number: int, path: Path) -> None:
        version = self._versions.get(number)
        if version and version.state == ModelVersionStatus.AVAILABLE:
            return
        fingerprint = versions.fingerprint(path)
        if version and version.error and version.fingerprint == fingerprint:
            return
        version = Version(number, path, ModelVersionStatus.LOADING, fingerprint=fingerprint)
        with self._changed:
            self._versions[number] = version
        label = f"{self.name} version {number}"
        try:
            version.servable = self._load(path)
        except Exception as error:
            self._set_state(version, ModelVersionStatus.END, _load_error(error))
            _log.error("Loading %s failed: %s", label, error)
            return
        self._set_state(version, ModelVersionStatus.AVAILABLE)
        _log.info("Serving %s", label)

    def _set_state(self, version: Version, state: int, error: StatusError | None = None) -> None:
        with self._changed:
            version.error, version.state = error, state

    def _retire(self, numbers: set[int]) -> list[threading.Thread]:
        """Close these versions to new requests, and unload each in a thread after its last one."""
        threads = []
        for number in sorted(numbers):
            version = self._versions[number]
            self._set_state(version, ModelVersionStatus.UNLOADING)
            threads.append(threading.Thread(target=self._unload, args=(version,), daemon=True))
            threads[-1].start()
        return threads

    def _unload(self, version: Version) -> None:
        with self._changed:
            self._changed.wait_for(lambda: version.users == 0)
        version.servable.close()
        version.servable = None
        self._set_state(version, ModelVersionStatus.END)
        _log.info("Unloaded %s version %d", self.name, version.number)


def servable_not_found(which: str) -> StatusError:
    """TensorFlow Serving's answer where a model or version is not served."""
    return StatusError(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {which}")


def _load_error(error: Exception) -> StatusError:
    """The part of a loading error that clients may see; the log has all of it."""
    if isinstance(error, OSError | ValueError | RuntimeError):
        return StatusError(grpc.StatusCode.DATA_LOSS, without_paths(str(error)))
    return as_status_error(error, "Loading failed")
