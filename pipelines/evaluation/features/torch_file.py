"""Reads tensors from a file of `torch.save`, without PyTorch and without running what it holds.

Such a file is a pickle, which can call any function where it is read. Here a name in it is looked
up in a short list of stand-ins, and any other name is refused. The layout is that from before
PyTorch 1.6: five pickles (a magic number, the version, the system, the tensors without their
values, the keys of the storages in order), then for each storage its length as int64 and its
values.
"""

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from t2i_tf.errors import UserError

MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001

_DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _Storage(NamedTuple):
    """Values that tensors are views of."""

    key: str
    dtype: np.dtype
    length: int


class _View(NamedTuple):
    """A tensor: which values of a storage it has, and in which order."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in values


def read_torch_file(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a state dictionary by their names.

    Raises:
        UserError: the file cannot be read, is damaged, is no such file, or names anything but
            tensors of float32 and int64.
    """
    try:
        with Path(path).open("rb") as file:
            return _read(file)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    except Exception as error:  # damaged bytes make a pickle raise anything
        raise UserError(
            f"{path}: expected tensors in a file of torch.save, got {type(error).__name__}: {error}"
        ) from None


def _read(file: BinaryIO) -> dict[str, np.ndarray]:
    found = [_Tensors(file).load() for _ in range(2)]
    if found != [MAGIC, VERSION]:
        raise pickle.UnpicklingError("it does not begin as such a file")
    _Tensors(file).load()  # the system that wrote it
    views, keys = _Tensors(file).load(), _Tensors(file).load()
    if not isinstance(views, Mapping) or not all(isinstance(v, _View) for v in views.values()):
        raise pickle.UnpicklingError("it does not hold a dictionary of tensors")
    storages = {view.storage.key: view.storage for view in views.values()}
    values = {key: _read_values(file, storages[key]) for key in keys}
    return {name: _tensor(values[view.storage.key], view) for name, view in views.items()}


def _read_values(file: BinaryIO, storage: _Storage) -> np.ndarray:
    (length,) = np.frombuffer(file.read(8), "<i8")
    if length != storage.length:
        raise pickle.UnpicklingError(f"a storage has {length} values instead of {storage.length}")
    return np.frombuffer(file.read(length * storage.dtype.itemsize), storage.dtype, length)


def _tensor(values: np.ndarray, view: _View) -> np.ndarray:
    last = sum((side - 1) * stride for side, stride in zip(view.shape, view.strides, strict=True))
    if min((view.offset, *view.shape, *view.strides)) < 0 or view.offset + last >= len(values):
        raise pickle.UnpicklingError("a tensor reaches beyond its storage")
    strides = [stride * values.itemsize for stride in view.strides]
    return np.lib.stride_tricks.as_strided(values[view.offset :], view.shape, strides).copy()


class _Tensors(pickle.Unpickler):
    """An unpickler that makes tensors, and refuses every other name."""

    def find_class(self, module: str, name: str):
        """A stand-in for a name in the file."""
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        known = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is not allowed")
        return known[module, name]

    def persistent_load(self, pid) -> _Storage:
        """A storage, whose values follow at the end of the file."""
        _, dtype, key, _, length, part = pid
        if not isinstance(dtype, np.dtype) or part is not None:
            raise pickle.UnpicklingError("a storage of another kind")
        return _Storage(key, dtype, int(length))


def _rebuild(storage: _Storage, offset: int, shape, strides, *_) -> _View:
    return _View(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))
