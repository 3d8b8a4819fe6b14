import h5py
import numpy as np
import pytest

from t2i_tf.authors import array_files
from t2i_tf.authors.array_files import read_named
from t2i_tf.errors import UserError
from tests.t2i_tf.damaged_arrays import NO_HEADERS, npy, write_npz


def refused(path):
    """The sentence of the refusal."""
    with pytest.raises(UserError) as error:
        read_named(path)
    sentence = str(error.value)
    assert path.name in sentence and "\n" not in sentence
    return sentence


@pytest.mark.parametrize("header", NO_HEADERS)
def test_headers_that_are_none_are_one_sentence(tmp_path, header):
    (tmp_path / "a.npy").write_bytes(npy(header))
    assert "expected an npy file of numbers" in refused(tmp_path / "a.npy")
    write_npz(tmp_path / "a.npz", header)
    assert "expected an npz file of numbers" in refused(tmp_path / "a.npz")


def test_what_would_be_far_larger_than_its_file_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(array_files, "_LARGE", 2**16)
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(2**19), b=np.zeros(2**19))
    assert "bytes would unpack to 8,388," in refused(tmp_path / "a.npz")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("c0", (10**7, 10**7), "f4", chunks=(100, 100))
    assert "would unpack to 400,000,000,000,000" in refused(tmp_path / "a.h5")
    images = np.random.default_rng(0).random((8, 3072), np.float32)
    np.savez_compressed(tmp_path / "b.npz", images=images)
    np.testing.assert_array_equal(read_named(tmp_path / "b.npz")["images"], images)


def test_arrays_of_other_files_are_refused(tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.ones(4, np.float32)
    with h5py.File(tmp_path / "view.h5", "w") as file:
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource(tmp_path / "secret.h5", "x", (4,))
        file.create_virtual_dataset("c0", layout)
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["c0"] = h5py.ExternalLink(tmp_path / "secret.h5", "x")
    for name in ("view.h5", "link.h5"):
        assert "c0 lies in another file" in refused(tmp_path / name)
