"""TensorProto to NumPy and back; as in TensorFlow, missing values repeat the last or are 0."""

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto

from serving.server.status import Failure, invalid

MAX_FILLED_BYTES = 16 * 1024 * 1024
"""A shape may promise far more elements than its message carries; so large a tensor is refused."""
MAX_RANK = 32

_FIELDS = {
    tf.float16: "half_val",
    tf.bfloat16: "half_val",
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.int8: "int_val",
    tf.int16: "int_val",
    tf.int32: "int_val",
    tf.uint8: "int_val",
    tf.uint16: "int_val",
    tf.uint32: "uint32_val",
    tf.uint64: "uint64_val",
    tf.int64: "int64_val",
    tf.bool: "bool_val",
    tf.string: "string_val",
}


def to_array(name: str, proto: TensorProto) -> np.ndarray:
    """The array of a TensorProto; strings as an object array of bytes.

    Raises INVALID_ARGUMENT, TensorFlow Serving's `tensor parsing error`, when proto is malformed.
    """
    try:
        return _parse(proto)
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise malformed(name) from error


def malformed(name: str) -> Failure:
    """What TensorFlow Serving answers to a tensor that it cannot read."""
    return invalid(f"tensor parsing error: {name}")


def _parse(proto: TensorProto) -> np.ndarray:
    dtype = tf.as_dtype(proto.dtype)
    field = _FIELDS[dtype]
    shape = _shape(proto)
    if proto.tensor_content and dtype != tf.string:
        return np.frombuffer(proto.tensor_content, dtype.as_numpy_dtype).reshape(shape)
    return _filled(getattr(proto, field), dtype, shape)


def _shape(proto: TensorProto) -> list[int]:
    """Static dimensions; ValueError where they are unknown, negative or too many."""
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or len(shape) > MAX_RANK or any(n < 0 for n in shape):
        raise ValueError("unusable shape")
    return shape


def _filled(values: Sequence, dtype: tf.DType, shape: list[int]) -> np.ndarray:
    size = math.prod(shape)
    if len(values) > size:
        raise ValueError("more values than elements")
    if len(values) < size and size * np.dtype(dtype.as_numpy_dtype).itemsize > MAX_FILLED_BYTES:
        raise ValueError("too large to be filled")
    array = np.empty(size, dtype.as_numpy_dtype)
    array[: len(values)] = _typed(values, dtype)
    array[len(values) :] = array[len(values) - 1] if values else _zero(dtype)
    return array.reshape(shape)


def _typed(values: Sequence, dtype: tf.DType) -> np.ndarray:
    """Values of a `*_val` field in their own dtype: narrow integers and halves travel in int32."""
    if dtype == tf.string:
        return np.array([*values, None], object)[:-1]
    if dtype in (tf.float16, tf.bfloat16):
        return np.array(values, np.int32).astype(np.uint16).view(dtype.as_numpy_dtype)
    if dtype.is_integer:
        return np.array(values, np.uint64 if dtype == tf.uint64 else np.int64).astype(
            dtype.as_numpy_dtype
        )
    return np.array(values, dtype.as_numpy_dtype)


def _zero(dtype: tf.DType) -> object:
    return b"" if dtype == tf.string else dtype.as_numpy_dtype(0)


def to_proto(array: np.ndarray, packed: bool = False) -> TensorProto:
    """The TensorProto of an array: in `*_val` fields as TensorFlow Serving answers, or packed."""
    dtype = tf.as_dtype(array.dtype)
    proto = TensorProto(dtype=dtype.as_datatype_enum)
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    if packed and dtype != tf.string:
        proto.tensor_content = array.tobytes()
    elif dtype in (tf.float16, tf.bfloat16):
        proto.half_val.extend(array.ravel().view(np.uint16).tolist())
    else:
        getattr(proto, _FIELDS[dtype]).extend(array.ravel().tolist())
    return proto
