"""The record of a cached network says which weights it has, or that there are none."""

from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from pipelines.judges.cached_record import ABOUT, About, cache_of, cached_weights


@pytest.fixture
def folder(tmp_path):
    return SimpleNamespace(path=tmp_path / "scenes")


def test_the_weights_of_the_record(folder):
    assert cached_weights(folder, "judge") is None
    path = cache_of(folder, "judge")
    assert path == Path(f"{folder.path}-judge")
    path.mkdir()
    (path / ABOUT).write_bytes(msgspec.json.encode(About("data", "0f", {})))
    assert cached_weights(folder, "judge") == "0f"
    (path / ABOUT).write_text("{}")
    assert cached_weights(folder, "judge") is None
