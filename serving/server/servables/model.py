"""One served model: its versions, each loaded before the one that it replaces is unloaded."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import grpc
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec

from serving.server.servables import versions
from serving.server.servables.servable import Selection, Servable
from serving.server.status import StatusError, as_status_error, invalid_argument, without_paths

Loader = Callable[[Path, list[Selection]], Servable]
"""Loads the version in a folder, and makes what clients have asked for ready beforehand."""

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
    """The versions of one model. Methods that load are for one thread at a time.

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
        self._labels: dict[str, int] = {}
        # Guards the versions, their states and the labels, and is notified as requests end. A label
        # is followed and its version taken into use in one step: no version is unloaded in between.
        # Never held while a version loads: requests to the others continue.
        self._changed = threading.Condition()
        self._warning = ""

    def acquire(self, spec: ModelSpec) -> Version:
        """The version that `spec` selects, kept loaded until `release`.

        Raises:
            StatusError: NOT_FOUND where it is not served, INVALID_ARGUMENT for an unknown label.
        """
        with self._changed:
            version = self._find(self._number(spec))
            version.users += 1
            return version

    def release(self, version: Version) -> None:
        """End a use of this version."""
        with self._changed:
            version.users -= 1
            self._changed.notify_all()

    def number(self, spec: ModelSpec) -> int | None:
        """The version that `spec` names by number or label; None for the latest."""
        with self._changed:
            return self._number(spec)

    def labels(self) -> dict[str, int]:
        """The version that each label names."""
        with self._changed:
            return dict(self._labels)

    def configure(
        self, policy: versions.Policy, labels: Mapping[str, int], loaded: Iterable[int]
    ) -> None:
        """Use this policy, these labels and these loaded versions, from one moment on.

        Nothing is unloaded yet.
        """
        with self._changed:
            self.policy, self._labels = policy, dict(labels)
            self._publish(loaded)

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
        """Load the selected versions that are on disk, then unload the others."""
        loaded = self.load_selected(self.policy)
        with self._changed:
            self._publish(loaded)
        self.unload_others()

    def load_selected(self, policy: versions.Policy) -> list[int]:
        """Load the versions on disk that this policy selects, and that do not serve yet.

        Returns:
            Those that were loaded. They answer requests once they are published by `configure`.
        """
        selected = self._selected(policy)
        return [number for number in sorted(selected) if self._load_version(number, selected)]

    def unload_others(self) -> None:
        """Unload the versions that neither the policy selects nor a label names.

        Only where a selected version serves: neither a corrupt new version nor an unreadable folder
        takes the old one away.
        """
        selected, available = set(self._selected(self.policy)), set(self.available())
        if selected & available:
            self.unload(available - selected - set(self.labels().values()))

    def close(self) -> None:
        """Unload every version, and wait until its last request is answered."""
        for thread in self.unload(self.available()):
            thread.join()

    def unload(self, numbers: Iterable[int]) -> list[threading.Thread]:
        """Close these versions to new requests, and unload each in a thread after its last one."""
        threads = []
        for number in sorted(numbers):
            version = self._versions[number]
            self._set_state(version, ModelVersionStatus.UNLOADING)
            threads.append(threading.Thread(target=self._unload, args=(version,), daemon=True))
            threads[-1].start()
        return threads

    def failure(self, numbers: Iterable[int]) -> str:
        """Why the newest of these versions could not be loaded, or ""."""
        with self._changed:
            known = [self._versions[n] for n in sorted(numbers) if n in self._versions]
        return next((v.error.text for v in reversed(known) if v.error), "")

    def _number(self, spec: ModelSpec) -> int | None:
        match spec.WhichOneof("version_choice"):
            case "version":
                return spec.version.value
            case "version_label":
                if spec.version_label not in self._labels:
                    raise invalid_argument(
                        f"Unrecognized servable version label: {spec.version_label}"
                    )
                return self._labels[spec.version_label]
        return None

    def _find(self, number: int | None) -> Version:
        available = [v for v in self._versions.values() if v.state == ModelVersionStatus.AVAILABLE]
        candidates = [v for v in available if number in (None, v.number)]
        if not candidates:
            which = f"Latest({self.name})" if number is None else f"Specific({self.name}, {number})"
            raise servable_not_found(which)
        return max(candidates, key=lambda version: version.number)

    def _selected(self, policy: versions.Policy) -> dict[int, Path]:
        """Selected versions on disk; {}, with a warning, where the base path has none."""
        try:
            selected = versions.selected(versions.on_disk(self.base_path), policy)
            warning = "" if selected else "no version to serve found"
        except OSError as error:
            selected, warning = {}, f"cannot list: {error.strerror}"
        if warning and warning != self._warning:  # once, not at every poll
            _log.warning("Model %s: %s under %s", self.name, warning, self.base_path)
        self._warning = warning
        return selected

    def _load_version(self, number: int, paths: Mapping[int, Path]) -> bool:
        """Load a version, unless it serves or has failed as it is; returns whether it was."""
        version, path = self._versions.get(number), paths[number]
        if version and version.state == ModelVersionStatus.AVAILABLE:
            return False
        fingerprint = versions.fingerprint(path)
        if version and version.error and version.fingerprint == fingerprint:
            return False
        version = Version(number, path, ModelVersionStatus.LOADING, fingerprint=fingerprint)
        with self._changed:
            self._versions[number] = version
        try:
            version.servable = self._load(path, self._asked())
        except Exception as error:
            self._set_state(version, ModelVersionStatus.END, _load_error(error))
            _log.error("Loading %s version %d failed: %s", self.name, number, error)
            return False
        return True

    def _publish(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._versions[number].state = ModelVersionStatus.AVAILABLE
            _log.info("Serving %s version %d", self.name, number)

    def _asked(self) -> list[Selection]:
        """What clients have asked of the versions that serve now."""
        with self._changed:
            serving = [v.servable for v in self._versions.values() if v.servable]
        return list(dict.fromkeys(key for servable in serving for key in servable.selections()))

    def _set_state(self, version: Version, state: int, error: StatusError | None = None) -> None:
        with self._changed:
            version.error, version.state = error, state

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
