"""The part of an error that a client may see."""

import grpc
import pytest
import tensorflow as tf

from serving.server.status import MAX_TEXT, StatusError, as_status_error, presentable, without_paths


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b", "a b"),
        ("Cannot parse /models/t2i/3/saved_model.pb: bad", "Cannot parse <path>: bad"),
        ("b'/tmp/a/b.pb': bad", "b'<path>': bad"),
        ("Shapes [2] and [3]\n\t [[{{node a/b}}]]", "Shapes [2] and [3]"),
        ("Could not find variable dense/kernel", "Could not find variable dense/kernel"),
    ],
)
def test_paths_and_nodes_are_hidden(text, expected):
    assert without_paths(text) == expected


def test_a_text_is_one_short_printable_line():
    assert presentable("a\nb\0\ud800é") == "a\\nb\\x00\\ud800é"
    assert len(presentable("x" * 100_000)) == MAX_TEXT


def test_an_unforeseen_error_says_nothing_of_itself():
    failure = as_status_error(ValueError("/secret"))
    assert (failure.code, failure.text) == (grpc.StatusCode.INTERNAL, "Internal error")


def test_tensorflows_errors_keep_their_codes():
    failure = as_status_error(tf.errors.OutOfRangeError(None, None, "end"))
    assert (failure.code, failure.text) == (grpc.StatusCode.OUT_OF_RANGE, "end")
    assert as_status_error(failure) is failure
    assert isinstance(failure, StatusError)
