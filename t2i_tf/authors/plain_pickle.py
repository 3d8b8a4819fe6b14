"""Pickles of plain values, read without running what they say.

A pickle is a program: `pickle.load` imports whatever it names, and calls it. Here the few names
that NumPy arrays need stand for functions of this module, and every other name is refused. Nor does
NumPy restore anything by a description in the file: an array is made of bytes, whose number has to
be that of its shape, and arrays of objects are refused.

The unpickler is that of Python's own code: the one in C makes room for as many values as a file of
six bytes says that it remembers.
"""

import functools
import io
import math
import pickle
import re
import struct
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from t2i_tf.errors import UserError, first_line
from t2i_tf.files import DAMAGE

_DTYPE = re.compile(r"[<>|=]?[?bBhHiIlLqQefdbiufSUc]\d*")
_DAMAGE = (*DAMAGE, pickle.UnpicklingError, AssertionError, struct.error)
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}  # by their first bytes
_PLAIN = (str, bytes, bool, int, float, type(None))


class _ForbiddenError(Exception):
    """The pickle holds something else than plain values; the message names it."""


def load_plain_pickle(path: Path) -> Any:
    """The value of a pickle: dict, list, tuple, str, bytes, int, float, None and NumPy arrays.

    Files of Python 2 are read too; their byte strings become str, by Latin-1. An ordered dictionary
    becomes a dict.

    Raises:
        UserError: the file holds or calls anything else, is damaged or compressed, or cannot be
            read.
    """
    try:
        contents = path.read_bytes()
        _refuse_compressed(path, contents)
        return _plain(_Unpickler(io.BytesIO(contents), encoding="latin1").load(), {})
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    except _ForbiddenError as error:
        raise UserError(
            f"{path} is refused: expected a pickle of plain values (dict, list, str, int, NumPy"
            f" arrays), got one with {error}, which could run any program."
        ) from None
    except _DAMAGE as error:
        raise UserError(
            f"{path} cannot be read: expected a pickle of plain values, got a file that is damaged,"
            f" incomplete or of another kind ({_reason(error)}). Copy it again."
        ) from None


def _refuse_compressed(path: Path, contents: bytes) -> None:
    for start, program in _COMPRESSED.items():
        if contents.startswith(start):
            raise UserError(
                f"{path} is compressed by {program}: expected the file that is in it. Unpack it"
                " first."
            )


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"the byte {error} begins nothing"
    return first_line(error)


class _Unpickler(pickle._Unpickler):  # pyright: ignore[reportAttributeAccessIssue]
    """Knows the names that pickles of NumPy arrays have, old and new, and no other."""

    def find_class(self, module: str, name: str) -> Any:
        module = module.replace("numpy._core", "numpy.core", 1)
        if (module, name) == ("numpy", "ndarray"):
            return "ndarray"
        if (module, name) not in _FUNCTIONS:
            raise _ForbiddenError(f"{module}.{name}")
        return functools.partial(_FUNCTIONS[module, name])  # a new one: a pickle may change it

    def persistent_load(self, pid: Any) -> Any:
        raise _ForbiddenError("a reference to an object outside the file")

    def load_bytearray8(self) -> None:
        """As Python's own, which makes room for as many bytes as a file says that it has."""
        (length,) = struct.unpack("<Q", self.read(8))
        self.append(bytearray(self.read(length)))

    dispatch: ClassVar[dict[int, Any]] = {
        **pickle._Unpickler.dispatch,  # pyright: ignore[reportAttributeAccessIssue]
        pickle.BYTEARRAY8[0]: load_bytearray8,
    }


class _Dtype:
    """Stands for a dtype while a pickle is read: the name first, then its byte order."""

    def __init__(self, name: str):
        if not isinstance(name, str) or not _DTYPE.fullmatch(name):
            raise _ForbiddenError(f"an array of the kind {name!r}")
        self.dtype = np.dtype(name)

    def __setstate__(self, state: tuple) -> None:
        _, order, base, names, fields, *_ = state
        if (base, names, fields) != (None, None, None):
            raise _ForbiddenError("an array of records")
        if order not in ("<", ">", "=", "|"):
            raise ValueError("a byte order is none")
        self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """Stands for an array while a pickle is read: nothing at first, then its contents."""

    array: np.ndarray | None = None

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, fortran, data = state
        if isinstance(data, str):  # of Python 2
            data = data.encode("latin1")
        self.array = _array(data, dtype, shape, "F" if fortran else "C")


def _array(data: Any, dtype: Any, shape: Any, order: str) -> np.ndarray:
    if not isinstance(dtype, _Dtype) or not isinstance(data, bytes | bytearray):
        raise _ForbiddenError("an array of objects")
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError("the shape of an array is none")
    if len(data) != math.prod(shape) * dtype.dtype.itemsize:
        raise ValueError("an array has another number of bytes than its shape")
    return np.frombuffer(bytes(data), dtype.dtype).reshape(
        shape, order="F" if order == "F" else "C"
    )


def _make_dtype(name: Any, align: Any = None, copy: Any = None) -> _Dtype:
    return _Dtype(name)


def _reconstruct(kind: Any, shape: Any, dtype: Any) -> _Array:
    if kind != "ndarray":
        raise _ForbiddenError("an array of another class")
    return _Array()


def _scalar(dtype: Any, data: Any = b"") -> Any:
    if isinstance(data, str):
        data = data.encode("latin1")
    return _array(data, dtype, (1,), "C").tolist()[0]


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    return _array(data, dtype, shape, order)


def _encode(text: Any, encoding: Any) -> bytes:
    """Python 3 writes bytes so where the pickle has a format of Python 2."""
    if not isinstance(text, str) or encoding != "latin1":
        raise _ForbiddenError("_codecs.encode")
    return text.encode("latin1")


_FUNCTIONS = {
    ("numpy", "dtype"): _make_dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("_codecs", "encode"): _encode,
    ("collections", "OrderedDict"): dict,
}


def _plain(value: Any, seen: dict[int, Any]) -> Any:
    """The value with arrays for what stood for them; refuses all else that is not plain.

    Args:
        value: what was unpickled.
        seen: results by identity, as a pickle may hold the same list many times, and in itself.
    """
    if isinstance(value, _Array) and value.array is not None:
        return value.array
    if isinstance(value, np.ndarray) or type(value) in _PLAIN:
        return value
    if not isinstance(value, dict | list | tuple):
        raise _ForbiddenError(f"a value of the type {type(value).__name__}")
    if id(value) in seen:
        if seen[id(value)] is None:
            raise ValueError("a value contains itself")
        return seen[id(value)]
    seen[id(value)] = None
    if isinstance(value, dict):
        result = {_plain(key, seen): _plain(inner, seen) for key, inner in value.items()}
    else:
        result = type(value)(_plain(inner, seen) for inner in value)
    seen[id(value)] = result
    return result
