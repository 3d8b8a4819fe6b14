"""NumPy arrays to a client's TensorProto and back, for the dtypes of the contract."""

import numpy as np

from serving.client.messages import TensorProto
from serving.errors import ServingError

_FIELDS = {
    1: (np.float32, "float_val"),
    4: (np.uint8, "int_val"),
    7: (np.object_, "string_val"),
    9: (np.int64, "int64_val"),
    10: (np.bool_, "bool_val"),
}
"""TensorFlow's number of a dtype -> its NumPy type, and the field that holds its values."""
_NUMBERS = {np.dtype(dtype): number for number, (dtype, _) in _FIELDS.items()}

DTYPE_NAMES = {1: "float32", 3: "int32", 4: "uint8", 7: "string", 9: "int64", 10: "bool"}


def to_proto(array: np.ndarray) -> TensorProto:
    """The message of an array; strings come as an object array of bytes."""
    proto = TensorProto(dtype=_NUMBERS[array.dtype])
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    getattr(proto, _FIELDS[proto.dtype][1]).extend(array.ravel().tolist())
    return proto


def to_array(proto: TensorProto) -> np.ndarray:
    """The array of a message; strings as an object array of bytes.

    Raises ServingError where the message holds no tensor of the contract.
    """
    shape = [dim.size for dim in proto.tensor_shape.dim]
    try:
        dtype, field = _FIELDS[proto.dtype]
        if proto.tensor_content:
            return np.frombuffer(proto.tensor_content, dtype).reshape(shape)
        return np.array(getattr(proto, field), dtype).reshape(shape)
    except (KeyError, ValueError) as error:
        raise ServingError(
            f"The server sent a tensor of dtype {proto.dtype} and shape {shape} that this client "
            "cannot read: the model was exported for another version of the contract."
        ) from error
