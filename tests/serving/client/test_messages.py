"""The client's own messages against the generated ones of tensorflow-serving-api."""

import pytest
from google.protobuf.descriptor import FieldDescriptor
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    model_service_pb2,
    predict_pb2,
    prediction_service_pb2,
    status_pb2,
)

from serving.client import messages

GENERATED = {
    "Dim": tensor_shape_pb2.TensorShapeProto.Dim,
    "TensorShapeProto": tensor_shape_pb2.TensorShapeProto,
    "TensorProto": tensor_pb2.TensorProto,
    "ModelSpec": model_pb2.ModelSpec,
    "PredictRequest": predict_pb2.PredictRequest,
    "PredictResponse": predict_pb2.PredictResponse,
    "GetModelMetadataRequest": get_model_metadata_pb2.GetModelMetadataRequest,
    "GetModelMetadataResponse": get_model_metadata_pb2.GetModelMetadataResponse,
    "SignatureDefMap": get_model_metadata_pb2.SignatureDefMap,
    "SignatureDef": meta_graph_pb2.SignatureDef,
    "TensorInfo": meta_graph_pb2.TensorInfo,
    "GetModelStatusRequest": get_model_status_pb2.GetModelStatusRequest,
    "GetModelStatusResponse": get_model_status_pb2.GetModelStatusResponse,
    "ModelVersionStatus": get_model_status_pb2.ModelVersionStatus,
    "Status": status_pb2.StatusProto,
}


def wire(field: FieldDescriptor) -> tuple:
    """All that determines a field on the wire, where an enum is an int32."""
    kind = FieldDescriptor.TYPE_INT32 if field.type == FieldDescriptor.TYPE_ENUM else field.type
    entry = field.message_type and field.message_type.GetOptions().map_entry
    return field.number, kind, field.is_repeated, field.is_packed, bool(entry)


def test_every_message_has_its_counterpart():
    assert set(GENERATED) == set(messages.TABLES)


@pytest.mark.parametrize("name", messages.TABLES)
def test_fields_are_those_of_the_generated_messages(name):
    descriptor = messages.message_classes("test", messages.TABLES)[name].DESCRIPTOR
    expected = GENERATED[name].DESCRIPTOR.fields_by_name
    assert {field.name: wire(field) for field in descriptor.fields} == {
        field.name: wire(expected[field.name]) for field in descriptor.fields
    }


def test_methods_and_states():
    services = (
        prediction_service_pb2.DESCRIPTOR.services_by_name["PredictionService"],
        model_service_pb2.DESCRIPTOR.services_by_name["ModelService"],
    )
    paths = {
        f"/{service.full_name}/{method.name}" for service in services for method in service.methods
    }
    assert set(messages.METHODS) <= paths
    assert {
        number: name for name, number in get_model_status_pb2.ModelVersionStatus.State.items()
    } == messages.STATES
