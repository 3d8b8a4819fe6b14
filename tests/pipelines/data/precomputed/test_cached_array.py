"""Arrays are computed once and cached; an interrupted computation resumes."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest

from pipelines.data.precomputed import cached_array as module
from pipelines.data.precomputed.cached_array import CHUNK, cached_rows
from t2i_tf.errors import UserError
from tests.t2i_tf.damaged_arrays import NO_HEADERS, npy

ROWS = 3 * CHUNK + 7


def squares(first, last):
    return np.arange(first, last, dtype=np.float32)[:, None] ** 2 * [1, -1]


def expected():
    return squares(0, ROWS).astype(np.float32)


def test_computed_once_and_kept(tmp_path):
    calls = []

    def compute(first, last):
        calls.append((first, last))
        return squares(first, last)

    for _ in range(2):
        rows = cached_rows(tmp_path / "x" / "rows.npy", (ROWS, 2), np.float32, compute, "rows")
        np.testing.assert_array_equal(rows, expected())
    assert calls == [(0, 256), (256, 512), (512, 768), (768, 775)]
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["rows.npy"]


def test_an_interrupted_computation_resumes(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FLUSH_SECONDS", 0.0)
    path, calls = tmp_path / "rows.npy", []

    def interrupted(first, last):
        if first == 2 * CHUNK:
            raise KeyboardInterrupt
        return squares(first, last)

    def resumes(first, last):
        calls.append(first)
        return squares(first, last)

    with pytest.raises(KeyboardInterrupt):
        cached_rows(path, (ROWS, 2), np.float32, interrupted, "rows")
    assert not path.exists()
    rows = cached_rows(path, (ROWS, 2), np.float32, resumes, "rows")
    np.testing.assert_array_equal(rows, expected())
    assert calls == [2 * CHUNK, 3 * CHUNK]


def test_a_full_disk_is_said_before_the_first_row(tmp_path, monkeypatch):
    """The system ends a process that writes to a mapped file which finds no room."""

    def full(*reserved):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    path = tmp_path / "rows.npy"
    with pytest.raises(UserError, match=r"No space left on device\. The vectors take"):
        cached_rows(path, (ROWS, 2), np.float32, pytest.fail, "vectors")
    monkeypatch.undo()
    np.testing.assert_array_equal(cached_rows(path, (ROWS, 2), "f", squares, "x"), expected())


def test_a_count_that_a_kill_left_says_nothing_of_the_next_computation(tmp_path):
    """After a kill between the last two steps: the array is there, and the count of its rows."""
    path = tmp_path / "rows.npy"
    path.with_suffix(".rows").write_text(str(ROWS))

    def interrupted(first, last):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_rows(path, (ROWS, 2), np.float32, interrupted, "rows")
    rows = cached_rows(path, (ROWS, 2), np.float32, squares, "rows")
    np.testing.assert_array_equal(rows, expected())


def test_two_that_need_the_same_at_once_do_not_write_the_same_file(tmp_path, capsys):
    path, calls, second_computes = tmp_path / "rows.npy", [], Event()

    def again(first, last):
        second_computes.set()
        return squares(first, last)

    def compute(first, last):
        if not calls:
            calls.append(pool.submit(cached_rows, path, (ROWS, 2), np.float32, again, "rows"))
            second_computes.wait(0.5)
        return squares(first, last)

    with ThreadPoolExecutor() as pool:
        rows = cached_rows(path, (ROWS, 2), np.float32, compute, "rows")
        np.testing.assert_array_equal(calls[0].result(), rows)
    np.testing.assert_array_equal(rows, expected())
    assert not second_computes.is_set()
    assert "Another process computes the rows. Waiting for its end." in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["rows.npy"]


@pytest.mark.parametrize("header", NO_HEADERS)
def test_a_header_that_is_none_is_damage(tmp_path, header):
    path = tmp_path / "rows.npy"
    path.write_bytes(npy(header))
    with pytest.raises(UserError, match="is damaged") as error:
        cached_rows(path, (ROWS, 2), np.float32, squares, "rows")
    assert "\n" not in str(error.value)


def test_another_shape_and_damage_are_refused(tmp_path):
    path = tmp_path / "rows.npy"
    cached_rows(path, (ROWS, 2), np.float32, squares, "rows")
    with pytest.raises(UserError, match=r"expected an array \[5, 2\], found \[775, 2\]"):
        cached_rows(path, (5, 2), np.float32, squares, "rows")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(UserError, match="is damaged"):
        cached_rows(path, (ROWS, 2), np.float32, squares, "rows")
