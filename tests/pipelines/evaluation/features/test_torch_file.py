"""Files as torch.save wrote them, made here from their description: PyTorch is not needed."""

import io
import pickle
import sys
from collections import OrderedDict
from types import ModuleType

import numpy as np
import pytest

from pipelines.evaluation.features.torch_file import MAGIC, VERSION, read_torch_file
from t2i_tf.errors import UserError


class FloatStorage:
    """Stands for torch.FloatStorage, by name."""


def _rebuild_tensor_v2(*_):
    """Stands for torch._utils._rebuild_tensor_v2, by name."""


class Tensor:
    def __init__(self, key, length, offset, shape, strides):
        self.view = key, length, offset, shape, strides


class Writer(pickle.Pickler):
    def reducer_override(self, value):
        if not isinstance(value, Tensor):
            return NotImplemented
        key, length, *view = value.view
        return _rebuild_tensor_v2, (Storage(key, length), *view, False, OrderedDict())

    def persistent_id(self, value):
        if isinstance(value, Storage):
            return "storage", FloatStorage, value.key, "cpu", value.length, None
        return None


class Storage:
    def __init__(self, key, length):
        self.key, self.length = key, length


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes tensors and storages as a file of torch.save; returns its path."""
    for name in ("torch", "torch._utils"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    for module, value in (("torch", FloatStorage), ("torch._utils", _rebuild_tensor_v2)):
        monkeypatch.setattr(value, "__module__", module)
        setattr(sys.modules[module], value.__name__, value)

    def write(tensors, storages, keys=None, magic=MAGIC):
        file = io.BytesIO()
        for part in (magic, VERSION, {"little_endian": True}):
            pickle.dump(part, file, protocol=2)
        Writer(file, protocol=2).dump(OrderedDict(tensors))
        pickle.dump(keys or list(storages), file, protocol=2)
        for values in storages.values():
            file.write(np.int64(len(values)).tobytes() + np.float32(values).tobytes())
        path = tmp_path / "weights.pth"
        path.write_bytes(file.getvalue())
        return path

    return write


def test_tensors_are_views_of_storages(write):
    storages = {"7": range(6), "8": [0.5]}
    tensors = {
        "rows": Tensor("7", 6, 0, (2, 3), (3, 1)),
        "columns": Tensor("7", 6, 0, (3, 2), (1, 3)),  # the same, transposed
        "end": Tensor("7", 6, 4, (2,), (1,)),
        "number": Tensor("8", 1, 0, (), ()),
    }
    found = read_torch_file(write(tensors, storages))
    np.testing.assert_array_equal(found["rows"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(found["columns"], found["rows"].T)
    np.testing.assert_array_equal(found["end"], [4, 5])
    assert found["number"] == 0.5 and found["number"].dtype == np.float32


def test_code_in_a_file_is_not_run(write, tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "made"), "w"))

    with pytest.raises(UserError, match=r"names \w+\.open, which is not allowed"):
        read_torch_file(write({"weight": Evil()}, {}))
    assert not (tmp_path / "made").exists()


def test_damage_is_an_error_of_one_sentence(write, tmp_path):
    def refused(match, path):
        with pytest.raises(UserError, match=match):
            read_torch_file(path)

    good = {"rows": Tensor("7", 6, 0, (2, 3), (3, 1))}
    refused("does not begin as such a file", write(good, {"7": range(6)}, magic=1))
    refused(
        "reaches beyond its storage", write({"a": Tensor("7", 2, 1, (2,), (1,))}, {"7": [1, 2]})
    )
    refused("reaches beyond", write({"a": Tensor("7", 2, -1, (2,), (1,))}, {"7": [1, 2]}))
    refused("3 values instead of 6", write(good, {"7": range(3)}))
    refused("does not hold a dictionary of tensors", write({"a": 1}, {}))
    refused("cannot be read: No such file", tmp_path / "none.pth")
    path = write(good, {"7": range(6)})
    content = path.read_bytes()
    for end in (0, 10, 30, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:end])
        refused("expected tensors in a file of torch.save", path)
