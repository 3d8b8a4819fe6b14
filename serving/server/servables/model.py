"""One served model: its versions, each loaded before the one it replaces is let go."""

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
from serving.server.status import Failure, as_failure, without_paths

Load = Callable[[Path], Servable]

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Version:
    """One version through its states START, LOADING, AVAILABLE, UNLOADING, END."""

    number: int
    path: Path
    state: int = ModelVersionStatus.START
    failure: Failure | None = None
    fingerprint: tuple = ()
    servable: Servable | None = None
    users: int = 0

    def status(self) -> ModelVersionStatus:
        """What GetModelStatus says of it."""
        status = ModelVersionStatus(version=self.number, state=self.state)
        status.status.error_code = self.failure.code.value[0] if self.failure else 0
        status.status.error_message = self.failure.text if self.failure else ""
        return status


class Model:
    """`refresh` is for one thread at a time; everything else for any."""

    def __init__(self, name: str, base_path: Path, policy: versions.Policy, load: Load):
        self.name = name
        self.base_path = base_path
        self.policy = policy
        self._load = load
        self._versions: dict[int, Version] = {}
        self._changed = threading.Condition()
        self._complaint = ""

    @contextmanager
    def use(self, number: int | None = None) -> Iterator[Version]:
        """A version, kept loaded while the block runs; the latest when None. Raises NOT_FOUND."""
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
        """Every version ever seen, newest first, as TensorFlow Serving lists them."""
        with self._changed:
            return {n: self._versions[n].status() for n in sorted(self._versions, reverse=True)}

    def refresh(self) -> None:
        """Load what the disk and the policy want; then, if something serves, let the rest go."""
        wanted = self._wanted()
        if not wanted:
            return
        for number in sorted(wanted):
            self._load_version(number, wanted[number])
        if set(self.available()) & set(wanted):
            self._retire(set(self.available()) - set(wanted))

    def close(self) -> None:
        """Let every version go and wait until its last request is answered."""
        for thread in self._retire(set(self.available())):
            thread.join()

    def _find(self, number: int | None) -> Version:
        available = [v for v in self._versions.values() if v.state == ModelVersionStatus.AVAILABLE]
        candidates = [v for v in available if number in (None, v.number)]
        if not candidates:
            which = f"Latest({self.name})" if number is None else f"Specific({self.name}, {number})"
            raise servable_not_found(which)
        return max(candidates, key=lambda version: version.number)

    def _wanted(self) -> dict[int, Path]:
        """Wanted versions on disk; none, told once, where the base path is unreadable or empty."""
        try:
            wanted = versions.wanted(versions.on_disk(self.base_path), self.policy)
            complaint = "" if wanted else "no version to serve found"
        except OSError as error:
            wanted, complaint = {}, f"cannot list: {error.strerror}"
        if complaint and complaint != self._complaint:
            _log.warning("Model %s: %s under %s", self.name, complaint, self.base_path)
        self._complaint = complaint
        return wanted

    def _load_version(self, number: int, path: Path) -> None:
        version = self._versions.get(number)
        if version and version.state == ModelVersionStatus.AVAILABLE:
            return
        seen = versions.fingerprint(path)
        if version and version.failure and version.fingerprint == seen:
            return
        version = Version(number, path, ModelVersionStatus.LOADING, fingerprint=seen)
        with self._changed:
            self._versions[number] = version
        self._fill(version)

    def _fill(self, version: Version) -> None:
        label = f"{self.name} version {version.number}"
        try:
            version.servable = self._load(version.path)
        except Exception as error:
            self._set_state(version, ModelVersionStatus.END, _load_failure(error))
            _log.error("Loading %s failed: %s", label, error)
            return
        self._set_state(version, ModelVersionStatus.AVAILABLE)
        _log.info("Serving %s", label)

    def _set_state(self, version: Version, state: int, failure: Failure | None = None) -> None:
        with self._changed:
            version.failure, version.state = failure, state

    def _retire(self, numbers: set[int]) -> list[threading.Thread]:
        """No new requests for these; each is freed in the background after its last one."""
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


def servable_not_found(which: str) -> Failure:
    """TensorFlow Serving's answer to a model or version that is not there."""
    return Failure(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {which}")


def _load_failure(error: Exception) -> Failure:
    """What a client may know of a version that did not load."""
    if isinstance(error, OSError | ValueError | RuntimeError):
        return Failure(grpc.StatusCode.DATA_LOSS, without_paths(str(error)))
    return as_failure(error, "Loading failed")
