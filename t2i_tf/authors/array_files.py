"""Named arrays in HDF5, npz, npy and pickle files, recognised by their first bytes.

A file says how large its arrays are before it has them. What would be far larger than the file is
refused before it is read, and so is what lies in other files.
"""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from t2i_tf.authors.plain_pickle import load_plain_pickle
from t2i_tf.errors import UserError, first_line
from t2i_tf.files import DAMAGE

_LARGE, _DENSEST = 2**28, 100  # bytes in all; bytes that one byte of a large file unpacks to


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
    except DAMAGE as error:
        raise UserError(
            f"{path} cannot be read: expected {kind}, got a file that is damaged, incomplete or"
            f" has other contents ({first_line(error)}). Copy it again."
        ) from None


def _read_npy(path: Path) -> np.ndarray:
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        _check_size(path, sum(member.file_size for member in archive.zip.infolist()))
        return {name: archive[name] for name in archive.files}


def _read_hdf5(path: Path) -> dict[str, np.ndarray]:
    with h5py.File(path) as file:
        datasets = _datasets(file)
        _check_size(path, sum(item.nbytes for item in datasets.values()))
        return {name: item[()] for name, item in datasets.items()}


def _datasets(file: h5py.File) -> dict[str, h5py.Dataset]:
    found, elsewhere = {}, []

    def take(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item
            if item.external or item.is_virtual:
                elsewhere.append(name)

    def refuse(name: str, link: object) -> None:
        if isinstance(link, h5py.ExternalLink):
            elsewhere.append(name)

    file.visititems(take)  # follows no links
    file.visititems_links(refuse)
    if elsewhere:
        raise ValueError(f"{elsewhere[0]} lies in another file")
    return found


def _check_size(path: Path, unpacked: int) -> None:
    """Raise ValueError for arrays that are so much larger than their file that it has not them."""
    size = path.stat().st_size
    if unpacked > max(_LARGE, _DENSEST * size):
        raise ValueError(f"its {size:,} bytes would unpack to {unpacked:,}")
