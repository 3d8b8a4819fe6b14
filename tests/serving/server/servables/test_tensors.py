"""TensorProto and JSON to arrays and back."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto

from serving.server.rest_api.json_predict import reply
from serving.server.rest_api.json_tensors import to_array as from_json
from serving.server.rest_api.json_tensors import to_json
from serving.server.servables.tensors import to_array, to_proto
from serving.server.status import StatusError

ARRAYS = [
    np.array([[1.5, -2.0]], np.float32),
    np.array(3.25, np.float64),
    np.array([-0.5, 7], np.float16),
    np.array([-(2**63), 2**63 - 1], np.int64),
    np.array([2**64 - 1], np.uint64),
    np.array([[0, 255]], np.uint8),
    np.array([-128, 127], np.int8),
    np.array([True, False]),
    np.array([b"", b"\xff\0"], object),
    np.zeros((0, 3), np.int32),
]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: str(array.dtype))
def test_a_proto_is_what_tensorflow_says_it_is(array, packed):
    proto = to_proto(array, packed)
    np.testing.assert_array_equal(tf.make_ndarray(proto), array)
    np.testing.assert_array_equal(to_array("x", proto), array)
    np.testing.assert_array_equal(to_array("x", tf.make_tensor_proto(array)), array)


def test_missing_values_repeat_the_last_one_or_are_zero():
    proto = TensorProto(dtype="DT_FLOAT", float_val=[1, 2])
    proto.tensor_shape.dim.add(size=4)
    assert to_array("x", proto).tolist() == [1, 2, 2, 2]
    proto.ClearField("float_val")
    assert to_array("x", proto).tolist() == [0, 0, 0, 0]


def test_missing_strings_are_bytes():
    proto = TensorProto(dtype="DT_STRING")
    proto.tensor_shape.dim.add(size=2)
    assert to_array("x", proto).tolist() == [b"", b""]
    proto.string_val.append(b"a")
    assert to_array("x", proto).tolist() == [b"a", b"a"]


@pytest.mark.parametrize(
    "fields",
    [
        {"dtype": "DT_UINT8", "int_val": [256]},
        {"dtype": "DT_HALF", "half_val": [2**16]},
        {"dtype": "DT_FLOAT", "float_val": [1, 2]},
        {"dtype": "DT_FLOAT", "tensor_content": b"12345"},
        {"dtype": "DT_STRING", "tensor_content": b"a"},
        {"dtype": "DT_COMPLEX64", "scomplex_val": [1, 2]},
        {"dtype": "DT_RESOURCE"},
    ],
    ids=lambda fields: " ".join(map(str, fields.values())),
)
def test_a_malformed_tensor(fields):
    proto = TensorProto(**fields)
    proto.tensor_shape.dim.add(size=1)
    with pytest.raises(StatusError, match="tensor parsing error: x"):
        to_array("x", proto)


@pytest.mark.parametrize("shape", [[-1], [2**40], [2**62, 2**62], [0, 2**62], [1] * 33])
def test_an_unusable_shape(shape):
    proto = TensorProto(dtype="DT_FLOAT", float_val=[1] if 0 not in shape else [])
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    with pytest.raises(StatusError, match="tensor parsing error: x"):
        to_array("x", proto)


def test_bfloat16():
    array = np.array([1.5, -2], tf.bfloat16.as_numpy_dtype)
    np.testing.assert_array_equal(to_array("x", to_proto(array)), array)


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        ([[1, 2]], tf.float32, np.array([[1, 2]], np.float32)),
        (float("nan"), tf.float32, np.array(np.nan, np.float32)),
        ([2**24 + 1], tf.float32, np.array([2**24], np.float32)),  # the nearest float
        ([255], tf.uint8, np.array([255], np.uint8)),
        ([True], tf.bool, np.array([True])),
        (["é", {"b64": "/w=="}], tf.string, np.array(["é".encode(), b"\xff"], object)),
        ([[], []], tf.int32, np.zeros((2, 0), np.int32)),
    ],
)
def test_json_to_array(value, dtype, expected):
    array = from_json(value, dtype)
    assert array.dtype == expected.dtype
    np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        ([256], tf.uint8),
        ([1.0], tf.int32),
        ([True], tf.int32),
        ([1], tf.bool),
        ([1], tf.string),
        ([{"b64": 1}], tf.string),
        (["\ud800"], tf.string),
        ([[1], 2], tf.int32),
        ([1, [2]], tf.int32),
        ([1], tf.complex64),
    ],
)
def test_json_that_does_not_fit(value, dtype):
    with pytest.raises(StatusError):
        from_json(value, dtype)


def test_floats_are_written_as_short_as_they_are():
    assert to_json("y", np.array([0.2, np.inf], np.float32)) == [0.2, np.inf]


def test_replies_by_row_and_by_column():
    outputs = {"a": np.array([1, 2]), "b_bytes": np.array([b"x", b"y"], object)}
    rows = [{"a": 1, "b_bytes": {"b64": "eA=="}}, {"a": 2, "b_bytes": {"b64": "eQ=="}}]
    assert reply(outputs, rows=True) == {"predictions": rows}
    assert reply({"a": outputs["a"]}, rows=False) == {"outputs": [1, 2]}
    with pytest.raises(StatusError):
        reply({"a": np.array([1]), "b": np.array([1, 2])}, rows=True)
