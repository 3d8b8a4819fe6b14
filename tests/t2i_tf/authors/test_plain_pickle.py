import bz2
import collections
import contextlib
import gzip
import lzma
import os
import pickle
import tracemalloc

import numpy as np
import pytest

from t2i_tf.authors.plain_pickle import load_plain_pickle
from t2i_tf.errors import UserError

# What cPickle of Python 2 writes, protocol 0, for {'a': 1, 'caf\xc3\xa9': 2L, 'b': [0.5, None]}
OF_PYTHON_2 = b"(dp1\nS'a'\nI1\nsS'caf\\xc3\\xa9'\np2\nL2L\nsS'b'\n(lp3\nF0.5\naNas."
# and for numpy.array([[1, 2]], 'int32'), protocol 2.
ARRAY_OF_PYTHON_2 = (
    b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b\x87"
    b"Rq\x03(K\x01K\x01K\x02\x86cnumpy\ndtype\nq\x04U\x02i4K\x00K\x01\x87Rq\x05(K\x03U\x01<NNNJ"
    b"\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x08\x01\x00\x00\x00\x02\x00\x00\x00tb."
)
PLAIN = {
    "words": {"a": 1, "UNK": 2},
    "cap2im": [0, 0, 1],
    "nested": ({"x": None, "y": True}, 1.5, b"bytes"),
}


def written(path, contents):
    path.write_bytes(contents)
    return path


def refused(path, contents):
    """The sentence of the refusal."""
    with pytest.raises(UserError) as error:
        load_plain_pickle(written(path / "file.pkl", contents))
    sentence = str(error.value)
    assert "file.pkl" in sentence and "\n" not in sentence
    return sentence


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_and_arrays_come_back(tmp_path, protocol):
    arrays = {
        "floats": np.arange(6.0, dtype=np.float32).reshape(2, 3),
        "columns": np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3)),
        "bools": np.array([True, False]),
        "texts": np.array(["a", "bc"]),
        "number": np.int64(7),
    }
    found = load_plain_pickle(
        written(tmp_path / "file.pkl", pickle.dumps(PLAIN | arrays, protocol))
    )
    for name, array in arrays.items():
        np.testing.assert_array_equal(found.pop(name), array)
    assert found == PLAIN


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_ordered_dictionary_is_a_dictionary(tmp_path, protocol):
    ordered = collections.OrderedDict(eos=0, UNK=1, a=2)
    found = load_plain_pickle(written(tmp_path / "file.pkl", pickle.dumps(ordered, protocol)))
    assert type(found) is dict and found == ordered
    of_python_2 = b"ccollections\nOrderedDict\np1\n((lp2\n(lp3\nS'a'\naI2\naatRp4\n."
    assert load_plain_pickle(written(tmp_path / "file.pkl", of_python_2)) == {"a": 2}


@pytest.mark.parametrize("packer", [gzip, bz2, lzma])
def test_a_compressed_file_is_named(tmp_path, packer):
    assert "Unpack it first" in refused(tmp_path, packer.compress(pickle.dumps(PLAIN)))


def test_files_of_python_2(tmp_path):
    path = tmp_path / "file.pkl"
    found = load_plain_pickle(written(path, OF_PYTHON_2))
    assert found == {"a": 1, "caf\xc3\xa9": 2, "b": [0.5, None]}
    found = load_plain_pickle(written(path, ARRAY_OF_PYTHON_2))
    np.testing.assert_array_equal(found, np.array([[1, 2]], np.int32))


class Runs:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("where", ["alone", "in a dict", "as a key"])
def test_a_pickle_that_would_run_a_program_runs_nothing(tmp_path, protocol, where):
    evil = Runs(os.system, f"touch {tmp_path}/touched")
    value = {"alone": evil, "in a dict": {"words": [1, evil]}, "as a key": {evil: 1}}[where]
    sentence = refused(tmp_path, pickle.dumps(value, protocol))
    assert "posix.system" in sentence and "plain values" in sentence
    assert os.listdir(tmp_path) == ["file.pkl"]


@pytest.mark.parametrize(
    "contents, named",
    [
        (b"c__builtin__\neval\n(S'1+1'\ntR.", "__builtin__.eval"),
        (b"(S'touch x'\nios\nsystem\n.", "os.system"),
        (b"cnumpy.testing._private.utils\nrunstring\n(S'1'\n}tR.", "runstring"),
        (b"c_codecs\nencode\n(S'x'\nS'zlib'\ntR.", "_codecs.encode"),
        (b"Pan object elsewhere\n.", "outside the file"),
        (b"cnumpy\ndtype\n.", "partial"),
        (b"cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR.", "an array of the kind 'O8'"),
        (pickle.dumps(np.array([{}, 1], object)), "of the kind 'O8'"),
        (pickle.dumps(np.zeros(2, [("a", "f4"), ("b", "i4")])), "array"),
        (pickle.dumps({1, 2}), "set"),
        (pickle.dumps(np.ma.masked_array([1, 2])), "numpy.ma"),
        (pickle.dumps(Exception("x")), "Exception"),
    ],
)
def test_everything_else_is_refused_by_name(tmp_path, contents, named):
    sentence = refused(tmp_path, contents)
    assert named in sentence and "is refused: expected a pickle of plain values" in sentence


def changed(array_pickle, before, after):
    assert before in array_pickle
    return array_pickle.replace(before, after)


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b"<html>404 Not Found</html>",
        pickle.dumps(PLAIN)[:-9],
        ARRAY_OF_PYTHON_2[:-4],
        changed(ARRAY_OF_PYTHON_2, b"K\x01K\x02\x86", b"K\x01K\x63\x86"),  # a larger shape
        b"(lp1\ng1\na.",  # a list in itself
        b"\x80\x02" + b"(" * 50_000 + b"l" * 50_000 + b".",
        b"\x80\x02]q\x00" + b"h\x00" + b"]" * 20_000 + b"a" * 20_000 + b".",  # too deep
        b"cnumpy.core.multiarray\nscalar\n(S'i4'\nS'abcd'\ntR.",
        b"\x82\x01.",
    ],
)
def test_damage_is_one_sentence(tmp_path, contents):
    sentence = refused(tmp_path, contents)
    assert "expected" in sentence and "got" in sentence


def test_a_value_that_is_held_many_times_costs_no_more(tmp_path):
    value: list = ["word"]
    for _ in range(60):
        value = [value, value]
    found = load_plain_pickle(written(tmp_path / "file.pkl", pickle.dumps(value)))
    assert found[0] is found[1]


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match=r"none.pkl cannot be read: No such file"):
        load_plain_pickle(tmp_path / "none.pkl")


@pytest.mark.parametrize(
    "contents",
    [
        b"Nr\xff\xff\xff\x03.",  # the memo's place 2^26: in C, room for twice as many values
        b"N" * 3 + b"p67108863\n.",
        b"\x80\x05\x96\x00\x00\x00\x40\x00\x00\x00\x00.",  # a gigabyte of zeros, which it lacks
    ],
)
def test_a_file_of_a_few_bytes_takes_no_memory(tmp_path, contents):
    path = written(tmp_path / "file.pkl", contents)
    tracemalloc.start()
    with contextlib.suppress(UserError):
        load_plain_pickle(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6
