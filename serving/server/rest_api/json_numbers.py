"""Large lists of JSON numbers to arrays, without a step of Python for each number."""

from itertools import chain
from typing import Any

import numpy as np
import tensorflow as tf

from serving.server.servables.tensors import MAX_RANK


def number_array(value: Any, dtype: tf.DType) -> np.ndarray | None:
    """Nested lists of numbers as an array; None where anything is unusual.

    `json_tensors` looks at what is unusual value by value, and finds the words for what is wrong.

    Args:
        value: A JSON value.
        dtype: Dtype of the input.
    """
    numbers, shape = _flat(value)
    types = set(map(type, numbers))
    try:
        if dtype.is_floating and dtype != tf.bfloat16 and types <= {int, float}:
            return _floats(numbers, dtype, types).reshape(shape)
        if dtype.is_integer and not dtype.is_quantized and types == {int}:
            return _integers(numbers, dtype).reshape(shape)
    except (OverflowError, ValueError):
        pass
    return None


def _flat(value: Any) -> tuple[list, list[int]]:
    """The values of nested lists of equal lengths, and these; the value itself where ragged."""
    level, shape = [value], []
    while set(map(type, level)) == {list} and len(lengths := set(map(len, level))) == 1:
        shape.append(lengths.pop())
        level = list(chain.from_iterable(level))
        if len(shape) > MAX_RANK:
            return [value], []
    return level, shape


def _floats(numbers: list, dtype: tf.DType, types: set[type]) -> np.ndarray:
    """Raises ValueError where a number may lose precision, or is too large."""
    array, limits = np.array(numbers, np.float64), np.finfo(dtype.as_numpy_dtype)
    largest = 2.0 ** (limits.nmant + 1) - 1 if int in types else float(limits.max)
    sizes = np.abs(array)
    if np.any((sizes > largest) & np.isfinite(sizes)):
        raise ValueError("not surely exact")
    return array.astype(dtype.as_numpy_dtype)


def _integers(numbers: list, dtype: tf.DType) -> np.ndarray:
    array, limits = np.array(numbers, np.int64), np.iinfo(dtype.as_numpy_dtype)
    if np.any((array < limits.min) | (array > limits.max)):
        raise ValueError("out of range")
    return array.astype(dtype.as_numpy_dtype)
