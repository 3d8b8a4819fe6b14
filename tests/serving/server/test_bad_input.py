"""Every wrong request gets TensorFlow Serving's status and text, and one line of the log."""

import socket

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
)

from tests.patience import PATIENCE
from tests.serving.server_process import floats, request

X = {"x": floats(1)}
NOT_FOUND = "Servable not found for request: "
WRONG = [
    ("m", X, {}, "NOT_FOUND", NOT_FOUND + "Latest(m)"),
    ("half_plus_two", X, {"version": 99}, "NOT_FOUND", NOT_FOUND + "Specific(half_plus_two, 99)"),
    (
        "half_plus_two",
        X,
        {"label": "x"},
        "INVALID_ARGUMENT",
        "Unrecognized servable version label: x",
    ),
    (
        "half_plus_two",
        X,
        {"signature": "x"},
        "FAILED_PRECONDITION",
        'Serving signature key "x" not found.',
    ),
    ("", X, {}, "INVALID_ARGUMENT", "ModelSpec has no name specified."),
    (
        "sum",
        {"a": floats(1)},
        {},
        "INVALID_ARGUMENT",
        "input size does not match signature: 1!=2 len({a}) != len({a,b}). "
        "Sent extra: {}. Missing but required: {b}.",
    ),
    (
        "half_plus_two",
        {"x": floats(1), "z": floats(1)},
        {},
        "INVALID_ARGUMENT",
        "input size does not match signature: 2!=1 len({x,z}) != len({x}). "
        "Sent extra: {z}. Missing but required: {}.",
    ),
    (
        "half_plus_two",
        {"z": floats(1)},
        {},
        "INVALID_ARGUMENT",
        "input tensor alias not found in signature: z. Inputs expected to be in the set {x}.",
    ),
    (
        "half_plus_two",
        {"x": np.array([1], np.int32)},
        {},
        "INVALID_ARGUMENT",
        "Expects arg[0] to be float but int32 is provided",
    ),
    (
        "half_plus_two",
        X,
        {"outputs": ("z",)},
        "INVALID_ARGUMENT",
        "output tensor alias not found in signature: z Outputs expected to be in the set {y}.",
    ),
    (
        "half_plus_two",
        X,
        {"outputs": ("y", "y")},
        "INVALID_ARGUMENT",
        "duplicate output tensor alias: y",
    ),
]


@pytest.mark.parametrize(("model", "inputs", "options", "code", "text"), WRONG)
def test_statuses_and_texts(server, model, inputs, options, code, text):
    assert server.failure(model, inputs, **options) == (code, text)


def test_every_failure_is_one_line_of_the_log(server):
    before = server.log().count("\n")
    assert server.failure("no\nsuch\nmodel", X)[0] == "NOT_FOUND"
    lines = server.log().splitlines()[before:]
    assert len(lines) == 1
    assert "status=NOT_FOUND" in lines[0]


def test_a_wrong_shape_gets_the_ops_own_error(server):
    code, text = server.failure("sum", {"a": floats(1, 2), "b": floats(1, 2, 3)})
    assert code == "INVALID_ARGUMENT"
    assert "ncompatible shapes" in text and "[[{{" not in text and "\n" not in text


def test_the_error_of_a_broken_image_names_no_path(server):
    inputs = {"png_bytes_in": np.array([b"\x89PNG no"], object)}
    code, text = server.failure("solid_colour", inputs, signature="score")
    assert code == "INVALID_ARGUMENT"
    assert "[[{{" not in text


@pytest.mark.parametrize(
    ("prompt", "temperature"),
    [
        ("", 1.0),
        ("bus " * 25_000, 1.0),
        (b"\xff\xfe", 1.0),
        (b"a\0b", 1.0),
        ("a", -5.0),
        ("a", 1e30),
        ("a", float("nan")),
    ],
)
def test_unusual_prompts_and_temperatures_reach_the_model(server, prompt, temperature):
    inputs = {
        "prompt": np.array([prompt], object),
        "seed": np.array([0], np.int64),
        "temperature": floats(temperature),
    }
    response = server.predict("solid_colour", inputs)
    assert response.outputs["png_bytes"].string_val[0].startswith(b"\x89PNG")


def test_an_empty_batch_is_answered_with_an_empty_batch(server):
    response = server.predict("half_plus_two", {"x": floats()})
    assert [dim.size for dim in response.outputs["y"].tensor_shape.dim] == [0]


@pytest.mark.parametrize("damage", ["content", "values", "huge", "negative", "dtype", "unknown"])
def test_a_malformed_tensor(server, damage):
    message = request("half_plus_two", X)
    tensor = message.inputs["x"]
    tensor.ClearField("float_val")
    if damage == "content":
        tensor.tensor_content = b"123"
    elif damage == "values":
        tensor.float_val.extend([1, 2, 3])
    elif damage == "huge":
        tensor.tensor_shape.dim[0].size = 2**40
    elif damage == "negative":
        tensor.tensor_shape.dim[0].size = -1
    elif damage == "dtype":
        tensor.dtype = tf.resource.as_datatype_enum
    else:
        tensor.tensor_shape.unknown_rank = True
    with pytest.raises(grpc.RpcError) as error:
        server.prediction.Predict(message, timeout=PATIENCE)
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.value.details() == "tensor parsing error: x"


def _call(server, method: str):
    """A call that must fail, and its status and text."""
    calls = {
        "no spec": (server.prediction.Predict, predict_pb2.PredictRequest()),
        "no field": (
            server.prediction.GetModelMetadata,
            get_model_metadata_pb2.GetModelMetadataRequest(model_spec={"name": "sum"}),
        ),
        "status": (
            server.models.GetModelStatus,
            get_model_status_pb2.GetModelStatusRequest(model_spec={"name": "m"}),
        ),
        "classify": (server.prediction.Classify, classification_pb2.ClassificationRequest()),
    }
    stub, message = calls[method]
    with pytest.raises(grpc.RpcError) as error:
        stub(message, timeout=PATIENCE)
    return error.value.code().name, error.value.details()


def test_other_methods(server):
    assert _call(server, "no spec") == ("INVALID_ARGUMENT", "Missing ModelSpec")
    assert _call(server, "no field") == (
        "INVALID_ARGUMENT",
        "GetModelMetadataRequest must specify at least one metadata_field",
    )
    assert _call(server, "status") == ("NOT_FOUND", "Could not find any versions of model m")
    assert _call(server, "classify")[0] == "UNIMPLEMENTED"


def test_a_deadline_and_a_request_over_the_size_limit(server):
    assert server.failure("sleeper", X, timeout=0.05)[0] == "DEADLINE_EXCEEDED"
    assert server.failure("half_plus_two", {"x": np.ones(300_000, np.float32)})[0] == (
        "RESOURCE_EXHAUSTED"
    )


HALF = "/v1/models/half_plus_two"
REST = [
    ("/v1/models/m:predict", {"instances": [1]}, 404, NOT_FOUND + "Latest(m)"),
    (f"{HALF}/versions/99:predict", {"instances": [1]}, 404, "Specific(half_plus_two, 99)"),
    (f"{HALF}/labels/x:predict", {"instances": [1]}, 400, "version label: x"),
    (f"{HALF}:predict", {"signature_name": "x", "instances": [1]}, 400, '"x" not found'),
    (f"{HALF}:predict", b"", 400, "The document is empty"),
    (f"{HALF}:predict", b"{", 400, "JSON Parse error"),
    (f"{HALF}:predict", b"\xff\xfe", 400, "JSON Parse error"),
    (f"{HALF}:predict", b"[" * 100_000, 400, "JSON Parse error"),
    (f"{HALF}:predict", b"[1]", 400, "Is not object"),
    (f"{HALF}:predict", {}, 400, "Missing 'inputs' or 'instances' key"),
    (f"{HALF}:predict", {"inputs": [1], "instances": [1]}, 400, "only one of"),
    (f"{HALF}:predict", {"instances": []}, 400, "No values"),
    (f"{HALF}:predict", {"instances": ["a"]}, 400, "is not of expected type: float"),
    (f"{HALF}:predict", {"instances": [True]}, 400, "is not of expected type: float"),
    (f"{HALF}:predict", {"instances": [1e39]}, 400, "without loss of precision"),
    (f"{HALF}:predict", {"instances": [[1], [1, 2]]}, 400, "unexpected size: 2"),
    (f"{HALF}:predict", {"instances": [{"z": 1}]}, 400, "z"),
    (f"{HALF}:predict", b'{"inputs": [' + b"1," * 600_000 + b"1]}", 413, "Request larger than"),
    (f"{HALF}:classify", {}, 501, "not implemented"),
    (f"{HALF}:explain", {}, 400, f"Malformed request: POST {HALF}:explain"),
    (f"{HALF}/versions/{10**30}:predict", {}, 400, "Failed to convert version"),
    ("/v1/models/solid_colour:predict", {"instances": [1]}, 400, "multiple input tensors"),
    (
        "/v1/models/solid_colour:predict",
        {"signature_name": "score", "inputs": [{"b64": "***"}]},
        400,
        "Unable to base64 decode",
    ),
]


@pytest.mark.parametrize(("path", "body", "code", "text"), REST)
def test_rest(server, path, body, code, text):
    status, answer = server.rest(path, body)
    assert status == code
    assert text in answer["error"]


def test_rest_has_a_timeout_and_refuses_other_methods(server):
    batch = {"inputs": [1.0]}
    assert server.rest("/v1/models/sleeper:predict", batch)[0] == 200
    assert server.rest(HALF, method="DELETE")[0] == 400
    assert server.rest("/")[0] == server.rest("/v1/nothing")[0] == 404


def test_a_rest_client_that_goes_away(server):
    head = f"POST {HALF}:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", server.rest_port)) as connection:
        connection.sendall(head + b'{"inst')
    assert server.rest(HALF)[0] == 200
