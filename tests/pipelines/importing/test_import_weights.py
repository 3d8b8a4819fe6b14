import pickle

import numpy as np
import pytest

from pipelines.cli import main
from pipelines.importing.import_weights import import_weights
from t2i_tf import checkpoints
from t2i_tf.authors.authors_weights import read_weights
from t2i_tf.errors import UserError
from t2i_tf.text.vocabulary import UNKNOWN
from tests.reference import authors
from tests.t2i_tf.authors.authors_files import (
    COCO,
    COCO_WORDS,
    MNIST,
    coco_dictionary,
    coco_files,
    write_weights,
)

pytestmark = pytest.mark.usefixtures("without_graphs")

STEPS = 4


def planar(images):
    """Images [..., H, W, C] as the authors' rows [..., C * H * W]."""
    moved = np.moveaxis(np.asarray(images), -1, -3)
    return moved.reshape(*moved.shape[:-3], -1)


def compare(workdir, arrays, caption, ids):
    """Drawings and bounds of an imported model beside those of the reference, for one caption.

    The authors draw from batches of one caption.
    """
    trained = checkpoints.load(workdir)
    model, copies = trained.model, 3
    captions = np.array(trained.reader([caption] * copies))
    noise = model.noise(range(copies)).numpy()
    drawing = model.generate(captions, noise)
    theirs = np.array([ids] * copies)
    expected = authors.generate(arrays, theirs, noise)
    np.testing.assert_allclose(planar(drawing.canvases).swapaxes(0, 1), expected, atol=2e-6)
    assert np.ptp(expected) > 0.2  # it does draw something
    image = np.random.default_rng(0).integers(0, 256, drawing.image.shape, np.uint8)
    terms = model.bound_terms(image, captions, noise)
    nll, kl = authors.bound(arrays, planar(image) / 255, theirs, noise)
    np.testing.assert_allclose(terms["reconstruction_nll"], nll, rtol=1e-5)
    np.testing.assert_allclose(np.sum(terms["kl_per_step"], axis=0), kl, rtol=1e-4)
    return trained


@pytest.mark.parametrize("suffix", [".h5", ".npz", ".pkl"])
def test_the_imported_model_draws_what_the_authors_equations_draw(tmp_path, suffix, capsys):
    path, arrays = coco_files(tmp_path, suffix)
    given = ["import-weights", str(path), "--workdir", str(tmp_path / "run"), "--steps", str(STEPS)]
    assert main(given) == 0
    said = " ".join(capsys.readouterr().out.split())
    count = sum(array.size for array in arrays.values())
    assert f"{count:,} weights of alignDRAW, 6x6x3" in said and "7 words" in said
    assert "to draw in 4 steps (--steps)" in said
    trained = compare(tmp_path / "run", arrays, "a red BUS is purple.", [1, 2, 3, 8, 4, 6])
    assert trained.vocabulary.entries[2:] == ("a", "red", "bus", "the", ".", "blue", "is")
    assert trained.config.optimizer.ema == 0 and trained.config.max_words == 29


@pytest.mark.parametrize("sizes", [{"read": 4, "write": 3}, {"side": 9, "read": 2, "write": 2}])
def test_other_sizes(tmp_path, sizes):
    path, arrays = coco_files(tmp_path, **sizes)
    import_weights(path, tmp_path / "run", steps=STEPS)
    compare(tmp_path / "run", arrays, "the red bus", [5, 2, 3])


def test_mnist_has_the_authors_words_without_a_dictionary(tmp_path):
    arrays = authors.make_weights(**MNIST)
    path = write_weights(tmp_path / "mnist.h5", arrays)
    found = import_weights(path, tmp_path / "run", steps=STEPS)
    assert any("no unknown word" in line for line in found.lines)
    ids = [10, 11, 0, 12, 13, 10, 15, 19, 10, 11, 7, 21]
    trained = compare(tmp_path / "run", arrays, "the digit 0 is on the left of the digit 7 .", ids)
    assert (len(trained.vocabulary), trained.config.max_words) == (24, 12)
    # The row to spare, which no word has, is no part of the mean.
    tables = np.concatenate([arrays["W_y_hLangEnc"], arrays["W_yRev_hLangEncRev"]], axis=1)
    rows = trained.model.caption_encoder.embedding.embeddings.numpy()
    np.testing.assert_allclose(rows[UNKNOWN], tables[:22].mean(axis=0), atol=1e-6)


def test_a_published_size_has_the_published_number_of_weights():
    """33,098,147 for COCO and 2,371,746 for MNIST (by shapes, without making the arrays)."""
    published = {"lang": 128, "align": 512}
    coco = {"words": 25_323, "enc": 550, "dec": 550, "z": 275, "read": 9, "write": 9, "side": 32}
    mnist = {"words": 23, "enc": 300, "dec": 300, "z": 150, "read": 8, "write": 8, "side": 60}
    for sizes, channels, count in ((coco, 3, 33_098_147), (mnist, 1, 2_371_746)):
        shapes = authors.shapes(**published, **sizes, channels=channels).values()
        assert sum(int(np.prod(shape)) for shape in shapes) == count


def test_a_caption_alone_and_in_a_batch_of_others_is_one_drawing(tmp_path):
    path, _ = coco_files(tmp_path)
    import_weights(path, tmp_path / "run", steps=STEPS)
    trained = checkpoints.load(tmp_path / "run")
    captions = np.array(trained.reader(["a red bus", "the bus is blue .", "blue"]))
    noise = trained.model.noise([1, 2, 3])
    together = trained.model.generate(captions, noise).canvases
    alone = trained.model.generate(captions[:1], noise[:, :1]).canvases
    np.testing.assert_allclose(together[:1], alone, atol=1e-6)


def without(arrays, name):
    return {key: array for key, array in arrays.items() if key != name}


def with_array(name, change):
    return lambda arrays: {**arrays, name: change(arrays[name])}


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda arrays: without(arrays, "c0"), "33 arrays of the authors' alignDRAW, got 32 of"),
        (lambda arrays: {"x": np.zeros(3)}, "got 0 of them; W_y_hLangEnc, .* 28 more are missing"),
        (
            lambda arrays: {f"model/{name}": array for name, array in arrays.items()},
            "28 more are missing. Other names in the file: model/W_hLangEncRev_hLangEncRev, ",
        ),
        (with_array("W_s_hdec", lambda a: a[:, :-4]), r"W_s_hdec with the shape \(6, 24\).* 20\)"),
        (with_array("b_c", lambda a: a[:-1]), r"expected .* shape .*, got \("),
        (with_array("W_inp_henc", lambda a: a[:-1]), r"W_inp_henc with the shape"),
        (with_array("W_henc_henc", lambda a: a[0]), r"W_henc_henc with 2 dimensions, got the sh"),
        (with_array("c0", lambda a: a[:, :-1]), "c0 with the values of a square image.* got 107"),
        (with_array("b_mu", lambda a: a * np.nan), "finite numbers of float32 in b_mu"),
        (
            with_array("b_mu", lambda a: a.astype(float) * 1e300),
            "finite numbers of float32 in b_mu",
        ),
        (lambda arrays: authors.make_weights(**COCO | {"z": 0}), r"W_henc_mu with values, .*7, 0"),
        (lambda arrays: authors.make_weights(**COCO | {"write": 0}), r"W_hdec_c with values"),
        (with_array("b_mu", lambda a: np.array(["x"] * a.size)), "b_mu as an array of numbers"),
        (with_array("W_y_hLangEnc", lambda a: a[:-3]), r"W_yRev_hLangEncRev with the shape \(6, "),
    ],
)
def test_arrays_that_are_not_the_models_are_one_sentence(tmp_path, change, message):
    path = write_weights(tmp_path / "w.npz", change(authors.make_weights(**COCO)))
    (tmp_path / "dictionary.pkl").write_bytes(pickle.dumps(coco_dictionary()))
    with pytest.raises(UserError, match=message):
        import_weights(path, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("suffix", [".h5", ".npz", ".pkl"])
@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5, 0.99])
def test_a_truncated_file_is_one_sentence(tmp_path, suffix, kept, capsys):
    path, _ = coco_files(tmp_path, suffix)
    contents = path.read_bytes()
    path.write_bytes(contents[: int(kept * len(contents))])
    assert main(["import-weights", str(path), "--workdir", str(tmp_path / "run")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("Error:") and said.count("\n") == 1 and path.name in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "dictionary, message",
    [
        ({"a": 1, "UNK": 2}, "rows for 9 words, but the last id of .* is 2: expected 3 rows"),
        (coco_dictionary() | {"more": 9}, "expected 10 rows"),
        (coco_dictionary() | {"again": 3}, "an id of its own for each word, got 3 for 'bus'"),
        ([*COCO_WORDS], "a dictionary of word and id, got a list"),
        ({}, "got an empty one"),
        ({1: "a"}, "expected a word and an id from 0 on, got 1: 'a'"),
    ],
)
def test_a_dictionary_that_is_not_theirs_is_one_sentence(tmp_path, dictionary, message):
    path, _ = coco_files(tmp_path)
    (tmp_path / "other.pkl").write_bytes(pickle.dumps(dictionary))
    with pytest.raises(UserError, match=message):
        import_weights(path, tmp_path / "run", dictionary=tmp_path / "other.pkl")


def test_colour_without_a_dictionary_and_a_folder_in_use(tmp_path):
    path, _ = coco_files(tmp_path)
    with pytest.raises(UserError, match="exists already and is not empty"):
        import_weights(path, tmp_path)
    (tmp_path / "dictionary.pkl").unlink()
    with pytest.raises(UserError, match=r"Give the authors' dictionary with --dictionary"):
        import_weights(path, tmp_path / "run")
    assert main(["import-weights", str(path), "--workdir", str(tmp_path / "run"), "--steps", "0"])
    assert sorted(one.name for one in tmp_path.iterdir()) == ["weights.h5"]


def test_what_is_left_out_and_cannot_be_typed_is_said(tmp_path):
    arrays = authors.make_weights(**COCO | {"words": 12})
    path = write_weights(tmp_path / "w.h5", arrays | {"history": np.zeros(3)})
    words = coco_dictionary() | {"'s": 9, "hot dog": 10, "<unk>": 11}
    (tmp_path / "dictionary.pkl").write_bytes(pickle.dumps(words))
    said = import_weights(path, tmp_path / "run", steps=STEPS).lines
    assert "Other arrays of the file, left out: 1 (history)." in said
    assert "Words that no vocabulary can hold, left out: 2 (hot dog, <unk>)." in said
    assert any(line.endswith("no caption has them: 3 ('s, hot dog, <unk>).") for line in said)


def test_hdf5_in_another_file_is_refused(tmp_path):
    import h5py

    (tmp_path / "secret").write_bytes(b"12345678")
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.create_dataset("c0", (2,), "f4", external=[(tmp_path / "secret", 0, 8)])
    with pytest.raises(UserError, match="c0 lies in another file"):
        read_weights(tmp_path / "w.h5")
