"""What a client without .proto files learns from the reflection service, up to a Predict."""

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from tests.patience import PATIENCE

PREDICTION = "tensorflow.serving.PredictionService"


@pytest.fixture
def channel(drawing_server):
    with grpc.insecure_channel(drawing_server.address) as channel:
        yield channel


@pytest.fixture
def database(channel):
    return ProtoReflectionDescriptorDatabase(channel)


def call(channel, pool, method, fields):
    """The answer to a unary call whose messages are known from descriptors alone."""
    service, _, name = method.rpartition(".")
    descriptor = pool.FindServiceByName(service).methods_by_name[name]
    request = message_factory.GetMessageClass(descriptor.input_type)(**fields)
    answer = message_factory.GetMessageClass(descriptor.output_type)
    send = channel.unary_unary(
        f"/{service}/{name}", lambda message: message.SerializeToString(), answer.FromString
    )
    return send(request, timeout=PATIENCE)


def test_every_service_that_is_listed_is_described(database):
    services = database.get_services()
    assert {PREDICTION, "tensorflow.serving.ModelService", "grpc.health.v1.Health"} < set(services)
    pool = DescriptorPool(database)
    for service in services:
        methods = pool.FindServiceByName(service).methods
        assert methods
        for method in methods:
            assert method.input_type.full_name and method.output_type.full_name


def test_a_predict_is_built_from_the_descriptors_alone(channel, database):
    pool = DescriptorPool(database)
    types = pool.FindEnumTypeByName("tensorflow.DataType").values_by_name
    shape = {"dim": [{"size": 1}]}

    def tensor(dtype, **values):
        return {"dtype": types[dtype].number, "tensor_shape": shape, **values}

    fields = {
        "model_spec": {"name": "t2i", "signature_name": "serving_default"},
        "inputs": {
            "prompt": tensor("DT_STRING", string_val=[b"a red bus"]),
            "seed": tensor("DT_INT64", int64_val=[3]),
            "temperature": tensor("DT_FLOAT", float_val=[1.0]),
        },
        "output_filter": ["png_bytes"],
    }
    answer = call(channel, pool, f"{PREDICTION}.Predict", fields)
    assert answer.outputs["png_bytes"].string_val[0].startswith(b"\x89PNG")


def test_the_signatures_inside_an_any_are_described_too(channel, database):
    pool = DescriptorPool(database)
    fields = {"model_spec": {"name": "t2i"}, "metadata_field": ["signature_def"]}
    answer = call(channel, pool, f"{PREDICTION}.GetModelMetadata", fields)
    packed = answer.metadata["signature_def"]
    kind = pool.FindMessageTypeByName(packed.type_url.rpartition("/")[2])
    signatures = message_factory.GetMessageClass(kind).FromString(packed.value)
    assert "serving_default" in signatures.signature_def
