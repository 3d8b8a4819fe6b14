"""All served models: their configuration, their labels, and the version that a request selects."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from serving.server.servables.model import Loader, Model, Version, servable_not_found
from serving.server.status import StatusError, invalid_argument

_log = logging.getLogger(__name__)


def single_model_config(name: str, base_path: str) -> ModelServerConfig:
    """The configuration that --model_name and --model_base_path stand for."""
    config = ModelServerConfig()
    config.model_config_list.config.add(name=name, base_path=base_path, model_platform="tensorflow")
    return config


class Manager:
    """The served models. All methods may be called from any thread.

    Args:
        load: Loads the version in a folder.
        on_change: Called with `ready()` whenever versions may have come or gone.
    """

    def __init__(self, load: Loader, on_change: Callable[[bool], None] = lambda ready: None):
        self._load = load
        self._on_change = on_change
        # Requests read these two without a lock. They are never modified, only replaced as a whole.
        self._models: dict[str, Model] = {}
        self._labels: dict[str, dict[str, int]] = {}
        self._refreshing = threading.Lock()

    @contextmanager
    def use(self, spec: ModelSpec) -> Iterator[Version]:
        """The version that `spec` selects, kept loaded while the block runs.

        Raises:
            StatusError: NOT_FOUND where it is not served, INVALID_ARGUMENT for an unknown label.
        """
        model = self._models.get(spec.name)
        if model is None:
            raise _unknown_model(spec)
        with model.use(self._number(spec)) as version:
            yield version

    def statuses(self, spec: ModelSpec) -> list[ModelVersionStatus]:
        """Every version of the model, or the one that `spec` selects. Raises NOT_FOUND."""
        model = self._models.get(spec.name)
        statuses = model.statuses() if model else {}
        if not statuses:
            raise StatusError(
                grpc.StatusCode.NOT_FOUND, f"Could not find any versions of model {spec.name}"
            )
        number = self._number(spec)
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

        Args:
            config: The models, as a list.
            starting: Whether labels may name versions that do not serve yet. Later they may not, as
                in TensorFlow Serving: a typing error would break the clients of the label.

        Raises:
            StatusError: INVALID_ARGUMENT or FAILED_PRECONDITION.
        """
        configs = _checked_configs(config)
        with self._refreshing:
            current = self._models
            models = {each.name: self._configured(each, current) for each in configs}
            self._refresh(models.values())  # loaded first, then visible to requests
            self._models = models
            self._on_change(self.ready())
            self._set_labels(configs, starting)
        # Outside the lock: closing waits for running requests, and polling must continue meanwhile.
        for model in current.values():
            if model not in models.values():
                model.close()

    def refresh(self) -> None:
        """Look for new versions of every model."""
        with self._refreshing:
            self._refresh(self._models.values())
            self._on_change(self.ready())

    def close(self) -> None:
        """Free every version once its last request is answered."""
        with self._refreshing:
            for model in self._models.values():
                model.close()

    def _configured(self, config: ModelConfig, current: dict[str, Model]) -> Model:
        """The running model where at most its policy changed; else a new one."""
        model = current.get(config.name)
        base_path = Path(config.base_path).absolute()
        if model is None or model.base_path != base_path:
            return Model(config.name, base_path, config.model_version_policy, self._load)
        model.policy = config.model_version_policy
        return model

    @staticmethod
    def _refresh(models: Iterable[Model]) -> None:
        for model in models:
            model.refresh()

    def _set_labels(self, configs: Iterable[ModelConfig], starting: bool) -> None:
        for config in configs:
            available = self._models[config.name].available()
            for label, number in config.version_labels.items():
                if number in available:
                    continue
                text = (
                    f"Request to assign label {label} to version {number} of model {config.name}, "
                    "which is not currently available for inference"
                )
                if not starting:
                    raise StatusError(grpc.StatusCode.FAILED_PRECONDITION, text)
                _log.warning("%s", text)
        self._labels = {config.name: dict(config.version_labels) for config in configs}

    def _number(self, spec: ModelSpec) -> int | None:
        """The version that `spec` names by number or label; None for the latest."""
        match spec.WhichOneof("version_choice"):
            case "version":
                return spec.version.value
            case "version_label":
                return self._labelled(spec)
        return None

    def _labelled(self, spec: ModelSpec) -> int:
        labels = self._labels.get(spec.name, {})
        if spec.version_label not in labels:
            raise invalid_argument(f"Unrecognized servable version label: {spec.version_label}")
        return labels[spec.version_label]


def _unknown_model(spec: ModelSpec) -> StatusError:
    if spec.HasField("version"):
        return servable_not_found(f"Specific({spec.name}, {spec.version.value})")
    return servable_not_found(f"Latest({spec.name})")


def _checked_configs(config: ModelServerConfig) -> list[ModelConfig]:
    """The models, each with a unique name and a base path. Raises INVALID_ARGUMENT."""
    if config.WhichOneof("config") != "model_config_list":
        raise invalid_argument(
            "ServerModelConfig type not supported by HandleReloadConfigRequest. "
            "Only ModelConfigList is currently supported"
        )
    configs = list(config.model_config_list.config)
    names = [each.name for each in configs]
    if not all(names) or len(set(names)) < len(names):
        raise invalid_argument(f"Every model needs a name of its own, got {names}")
    for each in configs:
        if not each.base_path:
            raise invalid_argument(f"Expected model {each.name} to have a base path")
        if each.model_platform not in ("", "tensorflow"):
            raise invalid_argument(
                f"Expected model_platform tensorflow, got {each.model_platform!r}"
            )
    return configs
