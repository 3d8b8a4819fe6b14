"""The shipped configuration parses into its messages; errors name the file."""

from pathlib import Path

import pytest
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from serving import contract
from serving.server.config.messages import BatchingParameters, MonitoringConfig, SSLConfig
from serving.server.config.text_proto import ConfigError, read_text_proto
from serving.server.metrics import DEFAULT_PATH
from serving.server.rest_api.rest_server import metrics_path
from serving.server.servables.batching_options import BatchingOptions

FOLDER = Path(__file__).parents[4] / "serving" / "tf_serving"


def test_models_config_labels_versions_that_it_serves():
    config = read_text_proto(str(FOLDER / "models.config"), ModelServerConfig())
    (model,) = config.model_config_list.config
    assert model.name == contract.MODEL_NAME
    assert set(model.version_labels) == {"stable", "canary"}
    assert set(model.version_labels.values()) <= set(model.model_version_policy.specific.versions)


def test_batching_config():
    options = BatchingOptions.of(
        read_text_proto(str(FOLDER / "batching.config"), BatchingParameters())
    )
    assert options.max_batch_size == options.allowed_batch_sizes[-1]
    assert [options.padded(rows) for rows in (1, 3, 9)] == [1, 4, 16]


def test_monitoring_config_names_tensorflow_servings_own_path():
    path = str(FOLDER / "monitoring.config")
    assert read_text_proto(path, MonitoringConfig()).prometheus_config.enable
    assert metrics_path(path) == DEFAULT_PATH


def test_the_compose_file_uses_the_files_beside_it():
    text = (FOLDER / "compose.yaml").read_text()
    for line in text.splitlines():
        if "/config/" in line:
            assert (FOLDER / line.split("/config/")[1]).is_file()


def test_field_numbers_are_the_protocols():
    packed = SSLConfig(server_key="a", server_cert="b", custom_ca="c", client_verify=True)
    assert packed.SerializeToString() == b"\x0a\x01a\x12\x01b\x1a\x01c\x20\x01"


@pytest.mark.parametrize(
    "text",
    [
        "max_batch_size { value: 0 }",
        "max_batch_size { value: 4 } allowed_batch_sizes: [2, 3]",
        "max_batch_size { value: 4 } allowed_batch_sizes: [4, 2, 4]",
        "pad_variable_length_inputs: true",
        "max_batch: 3",
    ],
)
def test_a_wrong_batching_config_is_refused(tmp_path, text):
    path = tmp_path / "batching.config"
    path.write_text(text)
    with pytest.raises(ConfigError):
        BatchingOptions.of(read_text_proto(str(path), BatchingParameters()))


@pytest.mark.parametrize("message", [ModelServerConfig, BatchingParameters, SSLConfig])
def test_a_file_that_does_not_parse_is_named_in_protobufs_own_words(tmp_path, message):
    path = tmp_path / "bad.config"
    path.write_text("improper model config")
    name = f"tensorflow.serving.{message.DESCRIPTOR.name}"
    with pytest.raises(ConfigError, match=rf"bad\.config: Error parsing text-format {name}: 1:"):
        read_text_proto(str(path), message())


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.config: No such file"):
        read_text_proto(str(tmp_path / "absent.config"), SSLConfig())
