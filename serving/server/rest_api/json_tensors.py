"""JSON values to arrays and back, by TensorFlow Serving's rules.

Strings are text; `{"b64": ...}` is bytes. Whole numbers must fit their dtype; a number for a float
becomes the nearest float, unless it is too large for one. NaN and Infinity are allowed, both ways.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from serving.server.rest_api.json_numbers import number_array
from serving.server.servables.tensors import MAX_RANK
from serving.server.status import invalid_argument

_SHOWN = 200  # characters of a value in an error text


def to_array(value: Any, dtype: tf.DType) -> np.ndarray:
    """Nested lists as an array. Raises INVALID_ARGUMENT where they are ragged or do not fit."""
    numbers = number_array(value, dtype)
    if numbers is not None:
        return numbers
    shape = _shape(value)
    convert = _converter(dtype)
    leaves = [convert(leaf) for leaf in _leaves(value, shape)]
    return np.array(leaves, dtype.as_numpy_dtype).reshape(shape)


def _shape(value: Any) -> list[int]:
    """The length of the list, of its first element, and so on; `_leaves` checks the others."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        if len(shape) > MAX_RANK:
            raise invalid_argument(f"Encountered list at unexpected level: {len(shape)}")
        value = value[0] if value else None
    return shape


def _leaves(value: Any, shape: list[int]) -> Iterator[Any]:
    if not shape:
        if isinstance(value, list):
            raise invalid_argument("Encountered list at unexpected level")
        yield value
        return
    if not isinstance(value, list):
        raise invalid_argument(f"{shown(value)} found at incorrect level in the JSON DOM")
    if len(value) != shape[0]:
        raise invalid_argument(
            f"Encountered list at unexpected size: {len(value)} expected size: {shape[0]}"
        )
    for item in value:
        yield from _leaves(item, shape[1:])


def _converter(dtype: tf.DType) -> Callable[[Any], Any]:
    """A function that checks and converts one value."""
    if dtype == tf.string:
        return _to_bytes
    if dtype in (tf.float16, tf.float32, tf.float64):
        return lambda value: _to_float(value, dtype)
    if dtype.is_bool:
        return lambda value: value if isinstance(value, bool) else _refuse(value, dtype)
    if not dtype.is_integer:
        return lambda value: _refuse(value, dtype)
    # type(), not isinstance(): True is an int in Python, but not in JSON.
    low, high = np.iinfo(dtype.as_numpy_dtype).min, np.iinfo(dtype.as_numpy_dtype).max
    return lambda value: (
        value if type(value) is int and low <= value <= high else _refuse(value, dtype)
    )


def _to_bytes(value: Any) -> bytes:
    try:
        if isinstance(value, str):
            return value.encode()
        if is_base64(value):
            return _from_base64(value["b64"])
    except UnicodeEncodeError as error:
        raise invalid_argument(f"{shown(value)} is not valid Unicode") from error
    except (binascii.Error, ValueError) as error:
        raise invalid_argument("Unable to base64 decode") from error
    if isinstance(value, dict):
        raise invalid_argument(f"{shown(value)} not formatted correctly for base64 data")
    return _refuse(value, tf.string)


def _from_base64(text: str) -> bytes:
    """Bytes of base64 as programs write it: in lines of 76 characters, and without the padding."""
    packed = "".join(text.split()).rstrip("=")
    return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)


def _to_float(value: Any, dtype: tf.DType) -> float:
    if type(value) not in (int, float):
        return _refuse(value, dtype)
    largest = float(np.finfo(dtype.as_numpy_dtype).max)
    if abs(value) > largest and abs(value) != float("inf"):
        raise invalid_argument(
            f"Cannot convert JSON value: {str(value)[:_SHOWN]} to {dtype.name} "
            "without loss of precision."
        )
    return value


def _refuse(value: Any, dtype: tf.DType) -> Any:
    kind = {type(None): "Null", bool: str(value), dict: "Object", str: "String"}
    raise invalid_argument(
        f"{shown(value)} Type: {kind.get(type(value), 'Number')} "
        f"is not of expected type: {dtype.name}"
    )


def shown(value: Any) -> str:
    """The start of a value, for an error text. A list or object may be huge, and is not written."""
    if isinstance(value, list | dict):
        return f"JSON Value: {'[...]' if isinstance(value, list) else '{...}'}"
    text = json.dumps(value[:_SHOWN] if isinstance(value, str) else value)
    return f"JSON Value: {text[:_SHOWN]}"


def to_json(name: str, array: np.ndarray) -> Any:
    """An array as nested lists. Strings are base64 where the output's name ends in `_bytes`."""
    if array.dtype == object:
        encode = _to_base64 if name.endswith("_bytes") else _to_text
        flat = np.empty(array.size, object)
        flat[:] = [encode(item) for item in array.ravel()]
        return flat.reshape(array.shape).tolist()
    if array.dtype.kind == "f" and array.dtype.itemsize < 8:
        # By way of the shortest decimal that reads as this float: 0.2, not 0.20000000298023224.
        return array.astype(str).astype(np.float64).tolist()
    return array.tolist()


def _to_base64(item: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(item).decode()}


def _to_text(item: bytes) -> str:
    return item.decode("utf-8", "replace")


def is_base64(value: Any) -> bool:
    """Whether an object stands for bytes."""
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)
