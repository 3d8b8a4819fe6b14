import json
import os
import pickle

import h5py
import numpy as np
import pytest

from pipelines.cli import main
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import read_images
from pipelines.data.sources.authors.published_files import classify
from pipelines.data.sources.detect import Hints, find_source
from t2i_tf.errors import UserError
from tests.t2i_tf.authors.authors_files import (
    coco_dictionary,
    write_arrays,
    write_value,
    write_weights,
)

SPLITS = {"train": "train", "dev": "val", "test": "test"}


@pytest.fixture
def folder(tmp_path):
    write_arrays(tmp_path / "arrays")
    return tmp_path / "arrays"


def opened(place, kind="authors", **hints):
    """The source of a folder, its splits read."""
    source = find_source(place, kind, Hints(**hints)).source
    return source, source.splits()


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".h5", ".pkl"])
def test_every_format_is_found_and_read(tmp_path, suffix):
    pixels, texts = write_arrays(tmp_path / "arrays", suffix=suffix)
    found = find_source(tmp_path / "arrays", None, Hints())
    assert found.sentence.endswith("the authors' arrays, with images of 6x6x3.")
    splits = found.source.splits()
    for split, name in SPLITS.items():
        examples = list(splits[name])
        np.testing.assert_array_equal([one.picture for one in examples], pixels[split])
        assert [text for one in examples for text in one.captions] == texts[split]


def test_all_arrays_in_one_file(tmp_path):
    pixels, texts = write_arrays(tmp_path / "arrays")
    arrays = {}
    for path in sorted((tmp_path / "arrays").iterdir()):
        if path.suffix == ".npy":
            arrays[path.stem] = np.load(path)
            path.unlink()
        elif "cap2im" in path.name:
            path.unlink()
    np.savez(tmp_path / "arrays" / "all.npz", **arrays)
    file = tmp_path / "arrays" / "all.npz"
    for place, kind in ((file.parent, "authors"), (file, "authors"), (file, None)):
        source, splits = opened(place, kind)
        np.testing.assert_array_equal([one.picture for one in splits["train"]], pixels["train"])
        assert [text for one in splits["test"] for text in one.captions] == texts["test"]
        assert any("five captions in a row" in line for line in source.notes.lines())


def test_prepare_keeps_every_pixel_and_reads_dev_as_val(folder, tmp_path, capsys):
    pixels, texts = write_arrays(folder)
    out = tmp_path / "out"
    assert main(["prepare", "--input", str(folder), "--out", str(out)]) == 0
    assert "the authors' arrays" in capsys.readouterr().out
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["source"], manifest["height"], manifest["channels"]) == ("authors", 6, 3)
    assert sorted(manifest["facts"]["images_crc32"]) == sorted(
        f"{split}-images-6x6.npy" for split in SPLITS
    )
    data = DataFolder.open(out)
    for split, name in SPLITS.items():
        read = read_images(data, name)
        np.testing.assert_array_equal(read.images, pixels[split])
        assert [text for captions in read.captions for text in captions] == texts[split]
    (note,) = [note for note in manifest["notes"] if "lacked" in note["what"]]
    assert note["count"] == sum(text.split().count("UNK") for t in texts.values() for text in t)
    images = np.load(folder / "train-images-6x6.npy")
    np.save(folder / "train-images-6x6.npy", images / 2)
    assert main(["prepare", "--input", str(folder), "--out", str(out)]) == 1


def test_of_two_sizes_the_wanted_one_is_read(folder):
    more, _ = write_arrays(folder, side=8)
    source, splits = opened(folder, None, height=8)
    np.testing.assert_array_equal([one.picture for one in splits["val"]], more["dev"])
    assert any(line.startswith("Images of other sizes") for line in source.notes.lines())
    assert opened(folder, None)[0].side == 6


def test_grey_images_of_a_dictionary_without_padding(tmp_path):
    """As MNIST with captions: id 0 is a word, and all captions have one length."""
    random = np.random.default_rng(0)
    write_value(tmp_path / "images.npy", np.float32(random.integers(0, 2, (10, 16))))
    write_value(tmp_path / "captions.npy", np.tile([[0, 2, 1]], (50, 1)))
    write_value(tmp_path / "dictionary.pkl", {"zero": 0, ".": 1, "is": 2})
    source, splits = opened(tmp_path, None)
    assert (source.side, source.channels, sum(map(len, splits.values()))) == (4, 1, 10)
    assert all(one.captions == ("zero is .",) * 5 for one in splits["train"])
    assert splits["val"] and splits["test"]


def test_words_of_python_2_that_are_utf_8(folder):
    words = {**coco_dictionary(), "caf\u00e9".encode().decode("latin1"): 9}
    write_value(folder / "dictionary.pkl", words)
    ids = np.load(folder / "train-captions.npy")
    ids[0, 0] = 9
    write_value(folder / "train-captions.npy", ids)
    _, splits = opened(folder)
    assert splits["train"][0].captions[0].startswith("café ")


def test_values_that_rounding_put_beside_0_and_1_are_kept(folder):
    images = np.load(folder / "train-images-6x6.npy")
    images[0, :2] = -1e-6, 1 + 1e-6
    write_value(folder / "train-images-6x6.npy", images)
    assert opened(folder)[1]["train"][0].picture[0, :2, 0].tolist() == [0, 255]


def test_values_between_two_levels_are_rounded(folder):
    images = np.load(folder / "train-images-6x6.npy")
    images[0, :3] = 10.9 / 255, 10.1 / 255, 254.9 / 255
    write_value(folder / "train-images-6x6.npy", images)
    assert opened(folder)[1]["train"][0].picture[0, :3, 0].tolist() == [11, 10, 255]


def test_a_caption_ends_at_its_given_length(folder):
    lengths = np.load(folder / "train-captions-len.npy")
    lengths[0] = 3  # of seven words or more
    write_value(folder / "train-captions-len.npy", lengths)
    captions = opened(folder)[1]["train"][0].captions
    assert [len(text.split()) for text in captions] == [3, *lengths[1:5, 0]]


def test_what_is_changed_or_left_out_is_counted(folder):
    write_value(folder / "dictionary.pkl", {**coco_dictionary(), "'s": 9})
    ids = np.load(folder / "train-captions.npy")
    ids[3, 1], ids[4, 2:] = 9, 0
    write_value(folder / "train-captions.npy", ids)
    cap2im = pickle.loads((folder / "train-cap2im.pkl").read_bytes())
    write_value(folder / "train-cap2im.pkl", dict(enumerate([max(i, 1) for i in cap2im])))
    source, splits = opened(folder)
    lines = "\n".join(source.notes.lines())
    assert len(splits["train"]) == 5 and splits["train"][0].id == "train-000001"
    assert "Images without a caption, left out: 1 (train-000000)" in lines
    assert "captions are divided into here otherwise: 1 ('s)" in lines
    assert "cut at the padding: 1 (train-captions.npy: row 4)" in lines
    assert "Captions beyond the first 5 of a picture, left out: 5" in lines


@pytest.mark.parametrize(
    ("name", "split", "kind"),
    [
        ("train-images-32x32", "train", "images"),
        ("dev-captions-len", "val", "lengths"),
        ("test-cap2im", "test", "cap2im"),
        ("train_captions", "train", "captions"),
        ("gan", None, None),
    ],
)
def test_names(name, split, kind):
    assert classify(name) == (split, kind)


IMAGES, CAPTIONS = "train-images-6x6.npy", "train-captions.npy"
LENGTHS, CAP2IM = "train-captions-len.npy", "train-cap2im.pkl"


def rows(change):
    """A change of an array that is kept."""

    def changed(array):
        array = np.array(array)
        change(array)
        return array

    return changed


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (IMAGES, lambda a: a[:, :-1], r"images as floats .* float32 with the shape \(6, 107\)"),
        (IMAGES, lambda a: a.reshape(6, 3, 6, 6), r"got an array .* \(6, 3, 6, 6\)"),
        (IMAGES, lambda a: np.uint8(255 * a), "images as floats .* uint8"),
        (IMAGES, rows(lambda a: a.__setitem__((4, 7), 3.5)), "row 4: .* from 0 to 1, got 3.5"),
        (IMAGES, rows(lambda a: a.__setitem__((5, 0), np.nan)), "row 5: .* got nan"),
        (IMAGES, lambda a: a[:3], r"one of the 3 images for caption 15, got 3"),
        (CAPTIONS, lambda a: a.astype(float), "ids of words as integers .* float64"),
        (CAPTIONS, lambda a: a[:, 0], r"ids of words as integers .* \(30,\)"),
        (CAPTIONS, lambda a: a + 3, r"expected ids of the 8 words of .*, got (9|10|11)\."),
        (CAPTIONS, lambda a: a - 1, r"got -1"),
        (CAPTIONS, lambda a: a[:-1], "a length for each of the 29 captions"),
        (LENGTHS, lambda a: a[:-1], r"a length for each of the 30 captions .* \(29, 1\)"),
        (LENGTHS, lambda a: a + 3, "expected a length from 0 to 9, got 1"),
        (CAP2IM, lambda value: value[:-1], "an image for each of the 30 captions .* of 29"),
        (CAP2IM, lambda value: np.array(7), r"an image for each of the 30 .* the shape \(\)\."),
        (CAP2IM, lambda value: "text", "an image for each of the 30 captions .* a str of 4"),
        (CAP2IM, lambda value: [7] * 30, "one of the 6 images for caption 0, got 7"),
    ],
)
def test_arrays_that_do_not_fit_are_one_sentence(folder, name, change, message):
    path = folder / name
    is_list = path.suffix == ".pkl"
    value = pickle.loads(path.read_bytes()) if is_list else np.load(path)
    write_value(path, change(value))
    with pytest.raises(UserError, match=message) as error:
        opened(folder)
    assert str(folder / "train-") in str(error.value) and "\n" not in str(error.value)


def test_lengths_of_several_to_a_caption_are_one_sentence(folder):
    (folder / LENGTHS).unlink()
    write_value(folder / LENGTHS.replace(".npy", ".pkl"), [[7], [7, 8]] * 15)
    with pytest.raises(UserError, match=r"a length for each of the 30 captions .* got a list"):
        opened(folder)


def test_an_id_that_no_caption_could_have_takes_no_memory(folder):
    words = coco_dictionary() | {"far": 10**13}
    (folder / "dictionary.pkl").write_bytes(pickle.dumps(words))
    _, splits = opened(folder)
    assert len(list(splits["train"])) == 6


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (CAPTIONS, "expected captions of the split train beside .*, got none"),
        (IMAGES, "expected images of the split train beside .*, got none"),
        ("dictionary.pkl", "expected dictionary.pkl, the authors' words"),
    ],
)
def test_a_missing_file_is_one_sentence(folder, name, message):
    (folder / name).unlink()
    with pytest.raises(UserError, match=message):
        opened(folder)


@pytest.mark.parametrize("name", [IMAGES, CAPTIONS, CAP2IM, "dictionary.pkl"])
@pytest.mark.parametrize("kept", [0.0, 0.5, 0.95])
def test_a_truncated_file_is_one_sentence(folder, tmp_path, name, kept, capsys):
    contents = (folder / name).read_bytes()
    (folder / name).write_bytes(contents[: int(kept * len(contents))])
    assert main(["prepare", "--input", str(folder), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("Error:") and said.count("\n") == 1 and name in said


class Runs:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("name", [CAPTIONS, CAP2IM, "dictionary.pkl"])
def test_a_malicious_pickle_runs_nothing(folder, tmp_path, name, capsys):
    touched = tmp_path / "touched"
    (folder / name).write_bytes(pickle.dumps({"a": Runs(f"touch {touched}")}))
    assert main(["prepare", "--input", str(folder), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "is refused" in said and name in said
    np.save(folder / CAPTIONS, np.array([Runs(f"touch {touched}")], object), allow_pickle=True)
    assert main(["prepare", "--input", str(folder), "--out", str(tmp_path / "out")]) == 1
    assert not touched.exists()


def test_flags_that_name_the_captions_do_not_apply(folder, tmp_path, capsys):
    given = ["--input", str(folder), "--out", str(tmp_path / "out"), "--source", "authors"]
    assert main(["prepare", *given, "--captions", "x.csv"]) == 2
    assert "--captions does not apply to --source authors" in capsys.readouterr().err


def digits_file(path, parts=("train", "validation", "test"), **changes):
    """The authors' mnist.h5 with 40 digits in each part: labels in turn, values from 0 to 1."""
    arrays = {}
    for k, name in enumerate(parts):
        arrays[name] = np.full((40, 784), (k + 1) / 5, np.float32)
        arrays[f"{name}_labels"] = np.arange(40) % 10
    arrays |= changes
    kept = {name: array for name, array in arrays.items() if array is not None}
    return write_weights(path, kept)


@pytest.mark.parametrize("kind", [None, "mnist-captions"])
def test_the_authors_mnist_is_placed_as_captions_say(tmp_path, kind):
    digits_file(tmp_path / "mnist.h5")
    for place in (tmp_path, tmp_path / "mnist.h5"):
        source = find_source(place, kind, Hints()).source
        assert source.facts()["digits"] == "the authors' mnist.h5"
        greys = {split: source.splits()[split][0].picture.max() for split in ("train", "val")}
        assert greys == {"train": 51, "val": 102}
        assert source.splits()["test"][0].picture.max() == 153


def test_without_test_digits_half_of_the_validation_digits_are_tested_on(tmp_path):
    digits_file(tmp_path / "mnist.h5", ("train", "validation"))
    source = find_source(tmp_path, None, Hints()).source
    assert source.facts()["digits_of_writers"] == {"train": 40, "val": 20, "test": 20}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_labels": None}, "expected the arrays train and train_labels, got test"),
        ({"train": np.zeros((40, 700), "f4")}, r"shape \(n, 784\) and n labels, got \(40, 700\)"),
        ({"validation": np.full((40, 784), 2.0)}, "values from 0 to 1 in validation"),
        (
            {"train": np.full((40, 784), b"1")},
            r"train and train_labels as arrays of numbers, got \|S1",
        ),
        ({"train": h5py.Empty("f4")}, "as arrays of numbers, got Empty"),
        ({"train": np.zeros((40, 784), complex)}, "as arrays of numbers, got complex128"),
        ({"train": np.zeros((0, 784)), "train_labels": np.zeros(0)}, r"got \(0, 784\) and \(0,\)"),
        ({"train_labels": np.arange(40) % 10 + 0.5}, "labels from 0 to 9 in train_labels"),
        ({"train_labels": np.full(40, np.nan)}, "labels from 0 to 9 in train_labels"),
        ({"test_labels": np.zeros(40, int)}, "every label from 0 to 9 among the digits of test"),
    ],
)
def test_digits_that_do_not_fit_are_one_sentence(tmp_path, changes, message):
    digits_file(tmp_path / "mnist.h5", **changes)
    with pytest.raises(UserError, match=message):
        find_source(tmp_path, None, Hints())
