"""The configuration of the served models, checked."""

from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from serving.server.status import invalid_argument


def single_model_config(name: str, base_path: str) -> ModelServerConfig:
    """The configuration that --model_name and --model_base_path stand for."""
    config = ModelServerConfig()
    config.model_config_list.config.add(name=name, base_path=base_path, model_platform="tensorflow")
    return config


def checked_configs(config: ModelServerConfig) -> list[ModelConfig]:
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
        if "\0" in each.base_path:
            raise invalid_argument(f"Model {each.name}: its base path has a NUL, as no path has")
        if each.model_platform not in ("", "tensorflow"):
            raise invalid_argument(
                f"Expected model_platform tensorflow, got {each.model_platform!r}"
            )
    return configs
