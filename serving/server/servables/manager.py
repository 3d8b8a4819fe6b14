"""All served models: their configuration, and the version that a request selects."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from serving.server.config.model_config import checked_configs
from serving.server.servables import versions
from serving.server.servables.model import Loader, Model, Version, servable_not_found
from serving.server.status import StatusError, invalid_argument

_log = logging.getLogger(__name__)


class Manager:
    """The served models. All methods may be called from any thread.

    Args:
        load: Loads the version in a folder.
        on_change: Called with `ready()` whenever versions may have come or gone.
        allow_labels_for_unavailable: Whether a new label may name a version that is not loaded.
    """

    def __init__(
        self,
        load: Loader,
        on_change: Callable[[bool], None] = lambda ready: None,
        allow_labels_for_unavailable: bool = False,
    ):
        self._load = load
        self._on_change = on_change
        self._allow_labels_for_unavailable = allow_labels_for_unavailable
        # Requests read it without a lock. It is never modified, only replaced as a whole.
        self._models: dict[str, Model] = {}
        self._refreshing = threading.Lock()

    @contextmanager
    def use(self, spec: ModelSpec) -> Iterator[Version]:
        """The version that `spec` selects, kept loaded while the block runs.

        Raises:
            StatusError: NOT_FOUND where it is not served, INVALID_ARGUMENT for an unknown label.
        """
        model, version = self._acquire(spec)
        try:
            yield version
        finally:
            model.release(version)

    def _acquire(self, spec: ModelSpec) -> tuple[Model, Version]:
        while True:
            model = self._models.get(spec.name)
            if model is None:
                raise _unknown_model(spec)
            try:
                return model, model.acquire(spec)
            except StatusError:
                if self._models.get(spec.name) is model:
                    raise
                # Replaced by a model at another base path, just now: ask that one.

    def statuses(self, spec: ModelSpec) -> list[ModelVersionStatus]:
        """Every version of the model, or the one that `spec` selects. Raises NOT_FOUND."""
        model = self._models.get(spec.name)
        statuses = model.statuses() if model else {}
        if not model or not statuses:
            raise StatusError(
                grpc.StatusCode.NOT_FOUND, f"Could not find any versions of model {spec.name}"
            )
        number = model.number(spec)
        if number is None:
            return list(statuses.values())
        if number not in statuses:
            raise StatusError(
                grpc.StatusCode.NOT_FOUND, f"Could not find version {number} of model {spec.name}"
            )
        return [statuses[number]]

    def ready(self) -> bool:
        """Whether every model has a version that serves."""
        return bool(self._models) and all(model.available() for model in self._models.values())

    def apply(self, config: ModelServerConfig, starting: bool = False) -> None:
        """Serve these models and no others; returns once they are loaded.

        Everything new is checked and loaded before a label moves, and labels move before anything
        is unloaded, so that no request is lost. Where it raises, nothing has changed.

        Args:
            config: The models, as a list.
            starting: Whether a model may be without a version that serves. Later it may not: the
                cause would be a typo, or a version that is damaged.

        Raises:
            StatusError: INVALID_ARGUMENT or FAILED_PRECONDITION.
        """
        configs = checked_configs(config)
        with self._refreshing:
            current = self._models
            changes = [_Change(each, current.get(each.name), self._load) for each in configs]
            self._prepare(changes, starting)
            for change in changes:
                change.commit()
            self._models = {change.model.name: change.model for change in changes}
            for change in changes:
                change.model.unload_others()
            self._on_change(self.ready())
            removed = [each for each in current.values() if each not in self._models.values()]
        # Outside the lock: closing waits for running requests, and polling must continue meanwhile.
        for model in removed:
            model.close()

    def _prepare(self, changes: list["_Change"], starting: bool) -> None:
        """Check the changes, load what they need, check again. Where it raises, all is undone."""
        allow = self._allow_labels_for_unavailable
        try:
            for change in changes:
                change.check_before_loading(starting, allow)
            for change in changes:
                change.load()
            for change in changes:
                change.check_loaded(starting, allow)
        except StatusError:
            for change in changes:
                change.undo()
            raise

    def refresh(self) -> None:
        """Look for new versions of every model."""
        with self._refreshing:
            for model in self._models.values():
                model.refresh()
            self._on_change(self.ready())

    def close(self) -> None:
        """Free every version once its last request is answered."""
        with self._refreshing:
            for model in self._models.values():
                model.close()


class _Change:
    """What a new configuration means for one model: loaded first, then committed or undone."""

    def __init__(self, config: ModelConfig, current: Model | None, load: Loader):
        base_path = Path(config.base_path).absolute()
        self._policy = config.model_version_policy
        self._labels = dict(config.version_labels)
        self._running = current if current and current.base_path == base_path else None
        self.model = self._running or Model(config.name, base_path, self._policy, load)
        self._current_labels = current.labels() if current else {}
        self._loaded: list[int] = []

    def check_before_loading(self, starting: bool, allow: bool) -> None:
        """Refuse what can be refused without loading. Raises StatusError."""
        selected = self._selected(starting)
        if not starting and not selected and not self._is_unchanged():
            raise self._refusal(f"no version to serve was found under {self.model.base_path}")
        self._check_labels(selected | set(self.model.available()), allow)

    def load(self) -> None:
        """Load the versions that the new policy selects. Those that serve go on serving."""
        self._loaded = self.model.load_selected(self._policy)

    def check_loaded(self, starting: bool, allow: bool) -> None:
        """Refuse a configuration whose versions could not be loaded. Raises StatusError."""
        selected = self._selected(starting)
        available = {*self.model.available(), *self._loaded}
        if not starting and not self._is_unchanged() and not selected & available:
            raise self._refusal(f"loading failed: {self.model.failure(selected)}")
        self._check_labels(available, allow)

    def commit(self) -> None:
        """Serve what was loaded, and move the labels. Nothing is unloaded yet."""
        self.model.configure(self._policy, self._labels, self._loaded)
        for number in set(self._policy.specific.versions) - set(self.model.available()):
            _log.warning("Model %s: version %d does not serve", self.model.name, number)

    def undo(self) -> None:
        """Unload what was loaded for this change."""
        self.model.unload(self._loaded)

    def _is_unchanged(self) -> bool:
        return self._running is not None and self._running.policy == self._policy

    def _selected(self, starting: bool) -> set[int]:
        try:
            return set(versions.selected(versions.on_disk(self.model.base_path), self._policy))
        except OSError as error:
            if starting or self._is_unchanged():
                return set()
            text = f"cannot list {self.model.base_path}: {error.strerror}. Is base_path mistyped?"
            raise invalid_argument(f"Model {self.model.name}: {text}") from error

    def _check_labels(self, usable: set[int], allow: bool) -> None:
        """Require that labels name usable versions; new ones may name others where allowed."""
        for label, number in self._labels.items():
            if number in usable:
                continue
            text = (
                f"Request to assign label {label} to version {number} of model {self.model.name}, "
                "which is not currently available for inference"
            )
            if not allow or self._current_labels.get(label, number) != number:
                raise StatusError(grpc.StatusCode.FAILED_PRECONDITION, text)
            _log.warning("%s", text)

    def _refusal(self, text: str) -> StatusError:
        return StatusError(grpc.StatusCode.FAILED_PRECONDITION, f"Model {self.model.name}: {text}")


def _unknown_model(spec: ModelSpec) -> StatusError:
    if spec.HasField("version"):
        return servable_not_found(f"Specific({spec.name}, {spec.version.value})")
    return servable_not_found(f"Latest({spec.name})")
