"""All served models: their configuration, their labels, and which version a request means."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from serving.server.servables.model import Load, Model, Version, servable_not_found
from serving.server.status import Failure, invalid

_log = logging.getLogger(__name__)


def one_model(name: str, base_path: str) -> ModelServerConfig:
    """The configuration that --model_name and --model_base_path amount to."""
    config = ModelServerConfig()
    config.model_config_list.config.add(name=name, base_path=base_path, model_platform="tensorflow")
    return config


class Manager:
    """Finds the version that a ModelSpec means; tells `on_change` whether every model is ready."""

    def __init__(self, load: Load, on_change: Callable[[bool], None] = lambda ready: None):
        self._load = load
        self._on_change = on_change
        self._models: dict[str, Model] = {}
        self._labels: dict[str, dict[str, int]] = {}
        self._refreshing = threading.Lock()

    @contextmanager
    def use(self, spec: ModelSpec) -> Iterator[Version]:
        """The version that `spec` means, kept loaded while the block runs. Raises Failure."""
        model = self._models.get(spec.name)
        if model is None:
            raise _unknown(spec)
        with model.use(self._number(spec)) as version:
            yield version

    def statuses(self, spec: ModelSpec) -> list[ModelVersionStatus]:
        """Every version of the model, or the one that `spec` means. Raises NOT_FOUND."""
        model = self._models.get(spec.name)
        statuses = model.statuses() if model else {}
        if not statuses:
            raise Failure(
                grpc.StatusCode.NOT_FOUND, f"Could not find any versions of model {spec.name}"
            )
        number = self._number(spec)
        if number is None:
            return list(statuses.values())
        if number not in statuses:
            raise Failure(
                grpc.StatusCode.NOT_FOUND, f"Could not find version {number} of model {spec.name}"
            )
        return [statuses[number]]

    def ready(self) -> bool:
        """Whether every model has a version that serves."""
        return bool(self._models) and all(model.available() for model in self._models.values())

    def apply(self, config: ModelServerConfig, starting: bool = False) -> None:
        """Serve these models and no others. Raises INVALID_ARGUMENT or FAILED_PRECONDITION.

        A label must name a version that serves; not so at the start, when versions may yet come.
        """
        configs = _checked(config)
        with self._refreshing:
            current = self._models
            models = {each.name: self._configured(each, current) for each in configs}
            self._refresh(models.values())
            self._models = models
            self._on_change(self.ready())
            self._label(configs, starting)
        for model in current.values():
            if model not in models.values():
                model.close()

    def refresh(self) -> None:
        """Look for new versions of every model."""
        with self._refreshing:
            self._refresh(self._models.values())
            self._on_change(self.ready())

    def close(self) -> None:
        """Let every version go once its last request is answered."""
        with self._refreshing:
            for model in self._models.values():
                model.close()

    def _configured(self, config: ModelConfig, current: dict[str, Model]) -> Model:
        """The running model, if only its policy changed; else a new one."""
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

    def _label(self, configs: Iterable[ModelConfig], starting: bool) -> None:
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
                    raise Failure(grpc.StatusCode.FAILED_PRECONDITION, text)
                _log.warning("%s", text)
        self._labels = {config.name: dict(config.version_labels) for config in configs}

    def _number(self, spec: ModelSpec) -> int | None:
        match spec.WhichOneof("version_choice"):
            case "version":
                return spec.version.value
            case "version_label":
                return self._labeled(spec)
        return None

    def _labeled(self, spec: ModelSpec) -> int:
        labels = self._labels.get(spec.name, {})
        if spec.version_label not in labels:
            raise invalid(f"Unrecognized servable version label: {spec.version_label}")
        return labels[spec.version_label]


def _unknown(spec: ModelSpec) -> Failure:
    if spec.HasField("version"):
        return servable_not_found(f"Specific({spec.name}, {spec.version.value})")
    return servable_not_found(f"Latest({spec.name})")


def _checked(config: ModelServerConfig) -> list[ModelConfig]:
    """The models, each with a name of its own and a base path. Raises INVALID_ARGUMENT."""
    if config.WhichOneof("config") != "model_config_list":
        raise invalid(
            "ServerModelConfig type not supported by HandleReloadConfigRequest. "
            "Only ModelConfigList is currently supported"
        )
    configs = list(config.model_config_list.config)
    names = [each.name for each in configs]
    if not all(names) or len(set(names)) < len(names):
        raise invalid(f"Every model needs a name of its own, got {names}")
    for each in configs:
        if not each.base_path:
            raise invalid(f"Expected model {each.name} to have a base path")
        if each.model_platform not in ("", "tensorflow"):
            raise invalid(f"Expected model_platform tensorflow, got {each.model_platform!r}")
    return configs
