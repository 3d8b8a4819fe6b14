"""Each shape that captioned pictures come in, made here and found without a hint."""

import gzip
import io
import json
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines import cli
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.record_reader import read_split_records
from pipelines.data.prepared.tfrecords import parse_batch
from pipelines.data.sources.detect import Hints, find_source
from pipelines.data.sources.mnist_digits import read_idx
from t2i_tf.errors import UsageError, UserError

NAMES = [f"p{k}.jpg" for k in range(6)]
SPLIT_OF = dict(zip(NAMES, ("train",) * 4 + ("val", "test"), strict=True))


def jpeg(k=0):
    file = io.BytesIO()
    Image.new("RGB", (20, 20), (40 * k, 100, 100)).save(file, "JPEG")
    return file.getvalue()


def pictures(folder, names=NAMES):
    for k, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(jpeg(k))


def coco(root):
    (root / "annotations").mkdir(parents=True)
    for split, numbers in (("train", range(4)), ("val", (4, 5))):
        pictures(root / f"{split}2017", [NAMES[k] for k in numbers])
        described = {
            "images": [{"id": k, "file_name": NAMES[k]} for k in numbers],
            "annotations": [{"image_id": k, "caption": f"thing {k}"} for k in numbers],
        }
        path = root / "annotations" / f"captions_{split}2017.json"
        path.write_text(json.dumps(described))


def flickr8k(root):
    pictures(root / "Flicker8k_Dataset")
    lines = [f"{name}#{n}\tthing {k} .\n" for k, name in enumerate(NAMES) for n in range(5)]
    (root / "Flickr8k.token.txt").write_text("".join(lines) + "gone.jpg.1#0\tnothing\n")
    for split, listed in (("train", "train"), ("val", "dev"), ("test", "test")):
        names = [name for name in NAMES if SPLIT_OF[name] == split]
        (root / f"Flickr_8k.{listed}Images.txt").write_text("\n".join(names) + "\n")


def karpathy(root):
    pictures(root / "images")
    images = [
        {
            "imgid": k,
            "filename": name,
            "split": SPLIT_OF[name],
            "sentences": [{"raw": f"thing {k}"}],
        }
        for k, name in enumerate(NAMES)
    ]
    (root / "dataset_flickr30k.json").write_text(json.dumps({"images": images}))


def kaggle(root):
    pictures(root / "Images")
    rows = [f"{name},thing {k}" for k, name in enumerate(NAMES)]
    (root / "captions.txt").write_text("\n".join(["image,caption", *rows]))


def imagefolder(root):
    for split in ("train", "validation", "test"):
        pictures(root / split, NAMES[:2])
        rows = [{"file_name": name, "text": f"{split} thing"} for name in NAMES[:2]]
        (root / split / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))


def table_with_splits(root):
    pictures(root)
    rows = [f"{name};{SPLIT_OF[name]};thing {k}" for k, name in enumerate(NAMES)]
    (root / "mine.csv").write_text("\n".join(["image;split;caption", *rows]))


def tables_of_splits(root):
    pictures(root / "jpg")
    for split in ("train", "val", "test"):
        rows = [f"{name}\tthing" for name in NAMES if SPLIT_OF[name] == split]
        (root / f"{split}.tsv").write_text("\n".join(["filename\tcaption", *rows]))


def texts_beside_pictures(root):
    for part in ("00000", "00001"):
        pictures(root / part)
        for k, name in enumerate(NAMES):
            (root / part / name).with_suffix(".txt").write_text(f"thing {k}")
            (root / part / name).with_suffix(".json").write_text("{}")
        (root / f"{part}_stats.json").write_text("{}")


def tars(root):
    root.mkdir(parents=True, exist_ok=True)
    for part in ("00000", "00001"):
        (root / f"{part}_stats.json").write_text("{}")
        with tarfile.open(root / f"{part}.tar", "w") as tar:
            for k, name in enumerate(NAMES):
                add(tar, name, jpeg(k))
                text = {".txt": f"thing {k}"} if k % 2 else {".json": f'{{"caption": "thing {k}"}}'}
                for extension, contents in text.items():
                    add(tar, Path(name).with_suffix(extension).name, contents.encode())


def add(tar, name, contents):
    member = tarfile.TarInfo(name)
    member.size = len(contents)
    tar.addfile(member, io.BytesIO(contents))


def parquet_with_pictures(root):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    (root / "data").mkdir(parents=True)
    for split in ("train", "validation", "test"):
        image = [{"bytes": jpeg(k), "path": None} for k in range(4)]
        columns = {"image": image, "caption": [[f"thing {k}", "another"] for k in range(4)]}
        path = root / "data" / f"{split}-00000-of-00001-abc.parquet"
        parquet.write_table(pyarrow.table(columns), path, row_group_size=3)


def unpacked_into_a_folder(root):
    kaggle(root / "flickr30k_images")


SHAPES = {
    coco: ("COCO's layout", {"train": 4, "val": 2}),
    flickr8k: ("Flickr's layout", {"train": 4, "val": 1, "test": 1}),
    karpathy: ("dataset_flickr30k.json", {"train": 4, "val": 1, "test": 1}),
    kaggle: ("a table with commas", 6),
    imagefolder: ("a table in JSON lines", {"train": 2, "val": 2, "test": 2}),
    table_with_splits: ("a table with semicolons", {"train": 4, "val": 1, "test": 1}),
    tables_of_splits: ("a table with tabs", {"train": 4, "val": 1, "test": 1}),
    texts_beside_pictures: ("a text of the same name beside each", 12),
    tars: ("2 tar files", 12),
    parquet_with_pictures: (".parquet", {"train": 4, "val": 4, "test": 4}),
    unpacked_into_a_folder: ("captions.txt", 6),
}


@pytest.mark.parametrize("make", SHAPES, ids=lambda make: make.__name__)
def test_each_shape_is_found_and_prepared(make, tmp_path, capsys):
    sentence, expected = SHAPES[make]
    make(tmp_path / "in")
    out = tmp_path / "out"
    flags = ["--height", "4", "--input", str(tmp_path / "in"), "--out", str(out)]
    assert cli.main(["prepare", *flags]) == 0
    assert sentence in capsys.readouterr().out
    folder = DataFolder.open(out)
    splits = folder.manifest.splits
    sizes = {name: split.examples for name, split in splits.items()}
    assert sizes == expected or sum(sizes.values()) == expected
    for name in sizes:
        (batch,) = read_split_records(folder, name).batch(100)
        found = parse_batch(batch, folder.shape)
        assert all("thing" in captions[0].decode() for captions in found["captions"].to_list())


def test_what_flickrs_lists_leave_out_is_named(tmp_path):
    flickr8k(tmp_path)
    pictures(tmp_path / "Flicker8k_Dataset", ["x.jpg"])
    with (tmp_path / "Flickr8k.token.txt").open("a") as file:
        file.write("x.jpg#0\tin no list\n")
    source = find_source(tmp_path, None, Hints()).source
    source.splits()
    lines = source.notes.lines()
    assert "Pictures that no split list names, left out: 1 (x.jpg)" in lines
    assert "Pictures that no split list names and that do not exist: 1 (gone.jpg.1)" in lines


def test_flickr8ks_lemmas_are_not_its_captions(tmp_path):
    flickr8k(tmp_path)
    (tmp_path / "Flickr8k.lemma.token.txt").write_text("p0.jpg#0\tthe thing be\n")
    assert "Flickr8k.token.txt" in find_source(tmp_path, None, Hints()).sentence
    (tmp_path / "Flickr8k.token.txt").unlink()
    assert "lemma" in find_source(tmp_path, None, Hints()).sentence


def test_cocos_annotations_as_the_input(tmp_path):
    coco(tmp_path)
    file = tmp_path / "annotations" / "captions_train2017.json"
    examples = find_source(file, None, Hints()).source.splits().values()
    assert all(one.picture.is_file() for split in examples for one in split)


def test_tables_whose_splits_have_pictures_of_the_same_names(tmp_path):
    for split, name in (("train", "train"), ("val", "dev"), ("test", "test")):
        pictures(tmp_path / name, NAMES[:2])
        (tmp_path / f"{split}.csv").write_text("file,caption\np0.jpg,a\np1.jpg,b\n")
    (tmp_path / "._test.txt").write_bytes(b"\xff")
    splits = find_source(tmp_path, None, Hints()).source.splits()
    assert [one.id for one in splits["val"]] == ["dev/p0.jpg", "dev/p1.jpg"]
    assert splits["test"][0].picture == tmp_path / "test" / "p0.jpg"


def test_split_lists_beside_hidden_files(tmp_path):
    kaggle(tmp_path)
    (tmp_path / "train.txt").write_text("p0.jpg\np1.jpg\n")
    (tmp_path / "._train.txt").write_bytes(b"\0\5\xff")
    splits = find_source(tmp_path, None, Hints()).source.splits()
    assert len(splits["train"]) + len(splits["val"]) == 2


def test_notes_are_kept_in_the_manifest(tmp_path, capsys):
    kaggle(tmp_path / "in")
    with (tmp_path / "in" / "captions.txt").open("a") as file:
        file.write("\n" + "\n".join(f"p0.jpg,more {k}" for k in range(5)))
    out = tmp_path / "out"
    assert cli.main(["prepare", "--input", str(tmp_path / "in"), "--out", str(out)]) == 0
    (note,) = [
        note
        for note in json.loads((out / "manifest.json").read_text())["notes"]
        if "beyond the first 5" in note["what"]
    ]
    assert (note["count"], note["first"]) == (1, ["p0.jpg"])
    assert "beyond the first 5 of a picture, left out: 1 (p0.jpg)" in capsys.readouterr().out


def test_folder_names_are_captions_only_when_asked(tmp_path):
    pictures(tmp_path / "in" / "red_fox", NAMES[:3])
    pictures(tmp_path / "in" / "snow-owl", NAMES[3:])
    with pytest.raises(UserError, match=r"(?s)Looked for COCO.*6 pictures.*--folder-names"):
        find_source(tmp_path / "in", None, Hints())
    source = find_source(tmp_path / "in", None, Hints(folder_names=True)).source
    captions = {one.captions for split in source.splits().values() for one in split}
    assert captions == {("red fox",), ("snow owl",)}


def test_splits_of_ones_own(tmp_path):
    table_with_splits(tmp_path / "in")
    arguments = ["--input", str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    assert cli.main(["prepare", *arguments, "--splits", "1,0,0"]) == 0
    assert set(DataFolder.open(tmp_path / "out").manifest.splits) == {"train"}
    assert cli.main(["prepare", *arguments, "--splits", "0.8,0.3,0.1"]) == 2


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    path.write_bytes(gzip.compress(header + array.tobytes()))


def write_mnist(folder):
    for part, count in (("train", 200), ("t10k", 50)):
        images = np.full((count, 28, 28), 200, np.uint8)
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", np.uint8(np.arange(count) % 10))


@pytest.mark.parametrize("kind", [None, "mnist-captions"])
def test_mnists_idx_files(tmp_path, kind):
    write_mnist(tmp_path)
    source = find_source(tmp_path, kind, Hints()).source
    assert source.facts()["digits"] == "MNIST's IDX files"
    assert source.facts()["digits_of_writers"] == {"train": 180, "val": 20, "test": 50}
    assert source.splits()["train"][0].picture.max() == 200


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b"\0\0\x08",
        b"\0\0\x08\x03",
        b"\0\0\x08\x03\0\0\0",
        b"\0\0\x08\x04" + b"\x80\0\0\0" * 4,  # 2^124 values, 0 in 64 bits
        b"\0\0\x08\xff" + b"\0\0\0\1" * 255 + b"x",
        b"\0\0\x0d\x01\0\0\0\1" + bytes(4),  # a float
    ],
)
def test_an_idx_file_that_is_none_is_one_sentence(tmp_path, contents):
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(contents)
    with pytest.raises(UserError, match="expected an IDX file of bytes, complete"):
        read_idx(tmp_path / "train-labels-idx1-ubyte")


def test_damaged_and_missing_idx_files(tmp_path):
    write_mnist(tmp_path)
    images = tmp_path / "train-images-idx3-ubyte.gz"
    images.write_bytes(images.read_bytes()[:-50])
    with pytest.raises(UserError, match=r"train-images-idx3-ubyte\.gz: cannot be read"):
        find_source(tmp_path, None, Hints())
    images.unlink()
    with pytest.raises(UserError, match="missing: train-images-idx3"):
        find_source(tmp_path, None, Hints())


def test_damaged_tars_and_captions_without_pictures(tmp_path):
    tars(tmp_path)
    with tarfile.open(tmp_path / "00000.tar", "a") as tar:
        add(tar, "only.txt", b"a text")
        add(tar, "only.pictures.jpg", jpeg())  # the key is what stands before the first dot
        add(tar, "alone.jpg", jpeg())
    source = find_source(tmp_path, None, Hints()).source
    source.splits()
    assert "00000.tar: alone" in " ".join(source.notes.lines())
    whole = (tmp_path / "00001.tar").read_bytes()
    for contents in (gzip.compress(whole), whole[:1200]):
        (tmp_path / "00001.tar").write_bytes(contents)
        with pytest.raises(UserError, match=r"00001\.tar: cannot be read"):
            find_source(tmp_path, None, Hints()).source.splits()


@pytest.mark.parametrize(
    ("kind", "hints", "error", "message"),
    [
        ("coco", {"captions": Path("c.csv")}, UsageError, "--captions does not apply to --source"),
        (None, {"captions": Path("c.csv"), "folder_names": True}, UsageError, "Give one"),
        (None, {"year": "2014"}, UsageError, "--year does not apply"),
        ("coco", {}, UserError, r"expected annotations/captions_train2014\.json"),
        (None, {"captions": Path("none.csv")}, UserError, r"none\.csv \(--captions\): .*not exist"),
        (
            None,
            {"karpathy": Path("none.json")},
            UserError,
            r"none\.json \(--karpathy\): .*not exist",
        ),
    ],
)
def test_flags_that_do_not_fit(tmp_path, kind, hints, error, message):
    kaggle(tmp_path)
    with pytest.raises(error, match=message):
        find_source(tmp_path, kind, Hints(**hints))


def test_inputs_that_cannot_be_read(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        find_source(tmp_path / "none", None, Hints())
    with pytest.raises(UserError, match="is neither"):
        find_source(Path("/dev/null"), None, Hints())
    (tmp_path / "a.zip").touch()
    with pytest.raises(UserError, match=r"Unpack a\.zip first"):
        find_source(tmp_path, None, Hints())
    pictures(tmp_path)
    for name in ("mine.csv", "yours.csv"):
        (tmp_path / name).write_text("file,caption\np0.jpg,a\n")
    with pytest.raises(UserError, match=r"mine\.csv, yours\.csv\. Choose one with --captions"):
        find_source(tmp_path, None, Hints())
    found = find_source(tmp_path, None, Hints(captions=Path("mine.csv")))
    assert len(found.source.splits()["train"]) == 1


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "train.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match=r"pip install -r requirements-parquet\.txt"):
        find_source(tmp_path, None, Hints())


def test_flags_of_captions_do_not_go_with_digits_that_need_no_input(tmp_path, capsys):
    for flags in (["--captions", "c.csv"], ["--splits", "0.8,0.1,0.1"], ["--folder-names"]):
        arguments = ["--source", "mnist-captions", "--out", str(tmp_path / "out"), *flags]
        assert cli.main(["prepare", *arguments]) == 2
        assert f"{flags[0]} does not apply" in capsys.readouterr().err
