"""TensorFlow Serving's own example, half_plus_two, with the answers of its documentation."""

import grpc
import pytest
from google.protobuf import text_format
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
)

from tests.patience import PATIENCE
from tests.serving.conftest import MODEL_CONFIG
from tests.serving.server_process import floats

MODEL = "/v1/models/half_plus_two"


def test_predict_answers_in_val_fields_with_the_version_that_ran(server):
    response = server.predict("half_plus_two", {"x": floats(1, 2, 5)}, version=1)
    assert list(response.outputs["y"].float_val) == [2.5, 3.0, 4.5]
    assert not response.outputs["y"].tensor_content
    assert response.model_spec.name == "half_plus_two"
    assert response.model_spec.version.value == 1
    assert response.model_spec.signature_name == "serving_default"


@pytest.mark.parametrize(
    ("choice", "version"),
    [({}, 2), ({"version": 1}, 1), ({"label": "stable"}, 1), ({"label": "canary"}, 2)],
)
def test_a_version_is_selected_by_number_by_label_or_is_the_latest(server, choice, version):
    response = server.predict("half_plus_two", {"x": floats(0)}, **choice)
    assert response.model_spec.version.value == version
    assert response.outputs["y"].float_val == [1.0 + version]


def test_output_filter_computes_only_what_is_asked_for(server):
    response = server.predict("sum", {"a": floats(3), "b": floats(1)}, outputs=("difference",))
    assert set(response.outputs) == {"difference"}
    assert response.outputs["difference"].float_val == [2.0]


def test_metadata_holds_the_signatures(server):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "half_plus_two"
    response = server.prediction.GetModelMetadata(request, timeout=PATIENCE)
    assert response.model_spec.version.value == 2
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert set(signatures.signature_def["serving_default"].inputs) == {"x"}


def test_status_of_all_versions_and_of_one(server):
    assert server.states("half_plus_two") == {2: "AVAILABLE", 1: "AVAILABLE"}
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "half_plus_two"
    request.model_spec.version_label = "stable"
    response = server.models.GetModelStatus(request, timeout=PATIENCE)
    assert [status.version for status in response.model_version_status] == [1]


def test_rest_row_format(server):
    body = {"instances": [1.0, 2.0, 5.0]}
    assert server.rest(f"{MODEL}/versions/1:predict", body) == (
        200,
        {"predictions": [2.5, 3.0, 4.5]},
    )


def test_rest_column_format_and_labels(server):
    body = {"inputs": {"x": [1.0, 2.0]}}
    assert server.rest(f"{MODEL}/labels/canary:predict", body) == (200, {"outputs": [3.5, 4.0]})


def test_rest_rows_of_several_outputs(server):
    body = {"instances": [{"a": 1, "b": 2}, {"a": 0.2, "b": 0.1}]}
    status, answer = server.rest("/v1/models/sum:predict", body)
    assert status == 200
    assert answer["predictions"][0] == {"difference": -1.0, "sum": 3.0}


def test_rest_status_and_metadata(server):
    status, answer = server.rest(f"{MODEL}/versions/2")
    assert status == 200
    assert answer["model_version_status"] == [
        {
            "version": "2",
            "state": "AVAILABLE",
            "status": {"error_code": "OK", "error_message": ""},
        }
    ]
    status, answer = server.rest(f"{MODEL}/metadata")
    assert status == 200
    assert answer["model_spec"]["version"] == "2"
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    assert signatures["serving_default"]["inputs"]["x"]["dtype"] == "DT_FLOAT"


def test_rest_encodes_bytes_by_name(server):
    body = {"instances": [{"prompt": "a red bus", "seed": 1, "temperature": 1.0}]}
    status, answer = server.rest("/v1/models/solid_colour:predict", body)
    assert status == 200
    png = answer["predictions"][0]["png_bytes"]
    body = {"signature_name": "score", "inputs": [png]}
    status, scored = server.rest("/v1/models/solid_colour:predict", body)
    assert (status, scored["outputs"]) == (200, [float(answer["predictions"][0]["image"][0][0][0])])


def test_reload_removes_a_model_and_brings_it_back(server, models):
    def reload(config: str):
        request = model_management_pb2.ReloadConfigRequest()
        text_format.Parse(config.format(models), request.config)
        return server.models.HandleReloadConfigRequest(request, timeout=PATIENCE)

    without_sum = MODEL_CONFIG.replace('config {{ name: "sum" base_path: "{0}/sum" }}', "")
    assert reload(without_sum).status.error_code == 0
    assert server.failure("sum", {})[0] == "NOT_FOUND"
    with pytest.raises(grpc.RpcError) as refused:
        reload(MODEL_CONFIG.replace('"canary" value: 2', '"canary" value: 7'))
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "version 7" in refused.value.details()
    assert reload(MODEL_CONFIG).status.error_code == 0
    assert server.predict("sum", {"a": floats(1), "b": floats(1)}).outputs["sum"].float_val == [2]


def test_health_and_reflection(server):
    assert server.is_serving()
    assert server.is_serving("tensorflow.serving.PredictionService")
    assert server.is_serving("PredictionService")  # TensorFlow Serving's own name for it
    with pytest.raises(grpc.RpcError) as unknown:
        server.health.Check(health_pb2.HealthCheckRequest(service="x"), timeout=PATIENCE)
    assert unknown.value.code() is grpc.StatusCode.NOT_FOUND
    stub = reflection_pb2_grpc.ServerReflectionStub(server.channel)
    query = reflection_pb2.ServerReflectionRequest(list_services="")
    (answer,) = stub.ServerReflectionInfo(iter([query]), timeout=PATIENCE)
    services = {service.name for service in answer.list_services_response.service}
    assert {"tensorflow.serving.PredictionService", "grpc.health.v1.Health"} <= services


def test_metrics_have_the_names_that_dashboards_know(server):
    server.predict("half_plus_two", {"x": floats(1)})
    status, text = server.rest("/monitoring/prometheus/metrics")
    assert status == 200
    assert ':tensorflow:serving:request_count{model_name="half_plus_two",status="OK"}' in text
    assert ":tensorflow:serving:request_latency_bucket{" in text
    assert ":tensorflow:serving:runtime_latency_count{" in text
