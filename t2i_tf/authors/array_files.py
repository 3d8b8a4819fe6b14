"""Named arrays in HDF5, npz, npy and pickle files, recognised by their first bytes."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from t2i_tf.authors.plain_pickle import load_plain_pickle
from t2i_tf.errors import UserError

_DAMAGE = (OSError, EOFError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error)


def read_named(path: Path) -> dict[str, Any]:
    """What a file holds, by name.

    An `.npy` file and a pickle have one value, named after the file; a pickled dict of arrays has
    the names of its keys. `.npy` files stay on the disk and are read where they are used.

    Raises:
        UserError: the file is missing, damaged, of another kind, or holds Python objects.
    """
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    if not start:
        raise UserError(f"{path} is empty: expected HDF5, npz, npy or a pickle. Copy it again.")
    if start.startswith(b"\x93NUMPY"):
        return {path.stem: _read(path, "an npy file of numbers", _read_npy)}
    if start.startswith(b"PK"):
        return _read(path, "an npz file of numbers", _read_npz)
    if start == b"\x89HDF\r\n\x1a\n":
        return _read(path, "an HDF5 file of numbers", _read_hdf5)
    value = load_plain_pickle(path)
    if isinstance(value, dict) and any(isinstance(one, np.ndarray) for one in value.values()):
        return {str(name): one for name, one in value.items()}
    return {path.stem: value}


def _read(path: Path, kind: str, read) -> Any:
    try:
        return read(path)
    except _DAMAGE as error:
        reason = str(error).partition("\n")[0]
        raise UserError(
            f"{path} cannot be read: expected {kind}, got a file that is damaged, incomplete or"
            f" has other contents ({reason}). Copy it again."
        ) from None


def _read_npy(path: Path) -> np.ndarray:
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _read_hdf5(path: Path) -> dict[str, np.ndarray]:
    found = {}
    with h5py.File(path) as file:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Dataset):
                if item.external:
                    raise ValueError(f"{name} lies in another file")
                found[name] = item[()]

        file.visititems(copy)  # follows no links to other files
    return found
