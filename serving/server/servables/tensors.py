"""TensorProto to NumPy and back, with limits on what a client may send."""

import math

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto

from serving.server.status import StatusError, invalid_argument

MAX_FILLED_BYTES = 16 * 1024 * 1024
"""Largest tensor whose message may hold fewer values than its shape promises. Without a limit, a
message of a few bytes could allocate terabytes."""
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
"""The dtypes that the server accepts, and the field that holds their values."""


def to_array(name: str, proto: TensorProto) -> np.ndarray:
    """The array of a TensorProto; strings as an object array of bytes.

    As in TensorFlow, missing values repeat the last one, and are 0 or b"" where there is none.
    Values that do not fit their dtype, such as 256 in a uint8, make the tensor malformed.

    Args:
        name: Name of the input, for the error.
        proto: The message, as a client sent it.

    Raises:
        StatusError: INVALID_ARGUMENT, TensorFlow Serving's `tensor parsing error`, where the
            message is malformed.
    """
    try:
        return _parse(proto)
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise malformed(name) from error


def value_count(proto: TensorProto) -> int:
    """How many values a tensor has, by its shape; 0 where that is not a number."""
    return math.prod(max(0, dim.size) for dim in proto.tensor_shape.dim)


def malformed(name: str) -> StatusError:
    """TensorFlow Serving's answer to a tensor that it cannot read."""
    return invalid_argument(f"tensor parsing error: {name}")


def _parse(proto: TensorProto) -> np.ndarray:
    dtype, shape = tf.as_dtype(proto.dtype), _checked_shape(proto)
    values, size = getattr(proto, _FIELDS[dtype]), math.prod(shape)
    if len(values) > size:  # before they are converted, which would take long
        raise ValueError("more values than the shape has")
    if not proto.tensor_content and len(values) < size:
        if size * np.dtype(dtype.as_numpy_dtype).itemsize > MAX_FILLED_BYTES:
            raise ValueError("too large to be filled")
        if dtype == tf.string and not values:
            return np.full(shape, b"", object)  # make_ndarray fills with "", which is not bytes
    return tf.make_ndarray(proto)


def _checked_shape(proto: TensorProto) -> list[int]:
    """Static dimensions; ValueError where they are unknown, negative or too many."""
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or len(shape) > MAX_RANK or any(n < 0 for n in shape):
        raise ValueError("unusable shape")
    return shape


def to_proto(array: np.ndarray, packed: bool = False) -> TensorProto:
    """The TensorProto of an array.

    Args:
        array: Numbers, booleans, or bytes in an object array.
        packed: Whether numbers go into `tensor_content`. TensorFlow Serving answers in `*_val`
            fields; `tf.make_tensor_proto` packs.
    """
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
