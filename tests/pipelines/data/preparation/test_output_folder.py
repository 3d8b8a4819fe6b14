import resource
import shutil

import pytest

from pipelines.data.preparation import prepare as prepare_module
from pipelines.data.preparation import resume_log
from pipelines.data.preparation.prepare import prepare, verify
from t2i_tf.errors import UserError
from tests.pipelines.data.preparation.example_sources import Pictures, array_example, shards_of


def test_an_output_folder_of_something_else(tmp_path):
    (tmp_path / "thesis.txt").write_text("important")
    with pytest.raises(UserError, match=r"found 'thesis\.txt'"):
        prepare(Pictures(array_example()), tmp_path)
    (tmp_path / "manifest.json").write_text('{"name": "an app"}')
    with pytest.raises(UserError, match="not written by prepare"):
        prepare(Pictures(array_example()), tmp_path)
    with pytest.raises(UserError, match="found a file"):
        prepare(Pictures(array_example()), tmp_path / "thesis.txt")


def test_a_link_to_nowhere(tmp_path):
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    with pytest.raises(UserError, match=r"found a link to .*disk, which does not exist"):
        prepare(Pictures(array_example()), tmp_path / "out")
    (tmp_path / "disk").mkdir()
    assert prepare(Pictures(array_example()), tmp_path / "out")["written"] == 1


def test_a_full_disk_is_refused_beforehand(tmp_path, monkeypatch):
    usage = shutil._ntuple_diskusage(100, 100, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(UserError, match=r"0 MB are free.*Make room"):
        prepare(Pictures(array_example()), tmp_path / "out")
    assert not shards_of(tmp_path / "out")


def test_a_second_prepare_is_refused_while_the_first_runs(files, tmp_path, monkeypatch):
    write_shard = prepare_module.write_shard
    refused = []

    def write_and_try_again(*arguments):
        with pytest.raises(UserError, match="out is in use: another `prepare`") as error:
            prepare(files, tmp_path / "out")
        refused.append(error)
        return write_shard(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(prepare_module, "write_shard", write_and_try_again)
        prepare(files, tmp_path / "out")
    assert len(refused) == 2
    assert verify(tmp_path / "out") == 3
    assert not (tmp_path / "out" / ".prepare").exists()


def test_a_folder_that_is_finished_while_the_lock_is_taken_is_left_alone(
    files, tmp_path, monkeypatch
):
    lock = resume_log.lock_folder

    def finish_first(out):
        monkeypatch.setattr(resume_log, "lock_folder", lock)
        prepare(files, out)
        return lock(out)

    monkeypatch.setattr(resume_log, "lock_folder", finish_first)
    assert prepare(files, tmp_path / "out")["written"] == 4
    assert not (tmp_path / "out" / ".prepare").exists()


@pytest.mark.parametrize("out", ["/proc/data", "/dev/null/data"])
def test_a_place_that_cannot_be_written(files, out):
    with pytest.raises(UserError, match=f"--out {out} cannot be written: "):
        prepare(files, out)


def test_a_disk_that_becomes_full(files, tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)  # of a file, in bytes
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(UserError, match=r"--out .* cannot be written: .*What is finished"):
            prepare(files, tmp_path / "out", height=200, width=200)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert prepare(files, tmp_path / "out", height=200, width=200)["written"] == 4
