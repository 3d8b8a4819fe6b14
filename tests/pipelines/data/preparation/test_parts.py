import filecmp
import shutil

import pytest

from pipelines.data.preparation.parts import Part, merge_parts, parts_root, prepare_part
from pipelines.data.preparation.prepare import prepare
from pipelines.data.scenes.dataset import write_scenes
from pipelines.data.sources.coco import CocoSource
from t2i_tf.errors import UsageError, UserError

SIZES = {"height": 8, "width": 8, "shard_size": 4}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes") / "scenes"
    write_scenes(folder, train=14, val=5, test=3, held_out=2, workers=1)
    return folder


@pytest.fixture(scope="module")
def whole(scenes, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "data"
    prepare(CocoSource(scenes), out, **SIZES)
    return out


def assert_same_files(out, other):
    names = sorted(path.name for path in other.iterdir())
    assert sorted(path.name for path in out.iterdir()) == names
    assert filecmp.cmpfiles(out, other, names, shallow=False) == (names, [], [])


def test_merged_parts_are_the_folder_of_an_undivided_preparation(scenes, whole, tmp_path):
    out, source = tmp_path / "data", CocoSource(scenes)
    shards = [prepare_part(source, out, Part(k, 3), **SIZES) for k in (3, 1, 2)]
    assert sum(shards) == 8 and not out.exists()
    merge_parts(source, out, **SIZES)
    assert_same_files(out, whole)
    assert not parts_root(out).exists()


def test_a_part_that_was_begun_resumes_and_a_missing_one_is_named(scenes, whole, tmp_path):
    out, source = tmp_path / "data", CocoSource(scenes)
    prepare_part(source, out, Part(1, 2), **SIZES)
    first = next(parts_root(out).glob("1-of-2/*.tfrecord"))
    first.unlink()
    with pytest.raises(UserError, match=r"lacks parts: run --part 2/2, then merge again"):
        merge_parts(source, out, **SIZES)
    prepare_part(source, out, Part(1, 2), **SIZES)
    assert first.exists()
    prepare_part(source, out, Part(2, 2), **SIZES)
    merge_parts(source, out, **SIZES)
    assert_same_files(out, whole)


def test_parts_of_other_settings_are_refused(scenes, tmp_path):
    out, source = tmp_path / "data", CocoSource(scenes)
    prepare_part(source, out, Part(1, 2), **SIZES)
    prepare_part(source, out, Part(2, 2), **(SIZES | {"min_count": 2}))
    with pytest.raises(UserError, match=r"2-of-2 was prepared with other settings"):
        merge_parts(source, out, **SIZES)
    shutil.copytree(parts_root(out) / "1-of-2", parts_root(out) / "1-of-3")
    with pytest.raises(UserError, match=r"several divisions: 1-of-2, 1-of-3, 2-of-2"):
        merge_parts(source, out, **SIZES)


def test_parts_are_not_moved_into_a_folder_of_something_else(scenes, whole, tmp_path):
    out, source = tmp_path / "data", CocoSource(scenes)
    prepare_part(source, out, Part(1, 1), **SIZES)
    out.mkdir()
    (out / "thesis.tex").write_text("")
    with pytest.raises(UserError, match=r"expected an empty folder .* found 'thesis.tex'"):
        merge_parts(source, out, **SIZES)
    assert [path.name for path in out.iterdir()] == ["thesis.tex"]
    (out / "thesis.tex").unlink()
    merge_parts(source, out, **SIZES)
    assert_same_files(out, whole)


def test_there_are_no_parts_to_merge(scenes, tmp_path):
    with pytest.raises(UserError, match=r"has no parts to merge. Make them with --part 1/n"):
        merge_parts(CocoSource(scenes), tmp_path / "data", **SIZES)


@pytest.mark.parametrize("text", ["", "2", "0/2", "3/2", "1/0", "a/b", "1/2/3"])
def test_a_part_that_is_none_is_refused(text):
    with pytest.raises(UsageError, match=r"expected part i of n as i/n"):
        Part.parse(text)


@pytest.mark.parametrize("out", ["/proc/data", "/dev/null/data"])
def test_a_place_that_cannot_be_written(scenes, out):
    with pytest.raises(UserError, match=f"--out {out}-parts/1-of-2 cannot be written: "):
        prepare_part(CocoSource(scenes), out, Part(1, 2), **SIZES)
