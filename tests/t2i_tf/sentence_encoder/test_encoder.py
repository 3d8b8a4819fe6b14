"""Skip-thought vectors, from the published files and from weights trained here."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2i_tf.errors import UserError
from t2i_tf.sentence_encoder.encoder import load_encoder
from t2i_tf.sentence_encoder.published_weights import FILES, is_published, load_published
from t2i_tf.text.vocabulary import Vocabulary
from tests.reference import skip_thought as reference
from tests.t2i_tf.damaged_arrays import NO_HEADERS, npy, write_npz

EMBEDDING, UNITS = 5, 3
DICTIONARY = ["<eos>", "UNK", "a", "bus", "dog", "runs", "red", "é"]
VOCABULARY = Vocabulary.from_counts({"a": 9, "red": 5, "bus": 4, "é": 3, "zebra": 2, "dog": 1})
CAPTIONS = ["a red bus", "dog", "a zebra é dog a red bus .", "Unheard words"]


def write_gru(random, embedding, units, prefix):
    sizes = {
        "W": (embedding, 2 * units),
        "b": (2 * units,),
        "U": (units, 2 * units),
        "Wx": (embedding, units),
        "bx": (units,),
        "Ux": (units, units),
    }
    return {f"{prefix}_{k}": random.normal(size=s).astype(np.float32) for k, s in sizes.items()}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Files in the published layout, with all the arrays that the decoders have too."""
    folder = tmp_path_factory.mktemp("published")
    random = np.random.default_rng(0)
    (folder / "dictionary.txt").write_text("\n".join(DICTIONARY) + "\n", encoding="utf-8")
    for name in ("utable", "btable"):
        table = random.normal(size=(len(DICTIONARY), EMBEDDING)).astype(np.float32)
        np.save(folder / f"{name}.npy", table)
    uni = write_gru(random, EMBEDDING, 2 * UNITS, "encoder")
    bi = write_gru(random, EMBEDDING, UNITS, "encoder")
    bi |= write_gru(random, EMBEDDING, UNITS, "encoder_r")
    np.savez(folder / "uni_skip.npz", **uni, Wemb=np.zeros((2, 2)))
    np.savez(folder / "bi_skip.npz", **bi, ff_logit_W=np.zeros((2, 2)))
    return folder


@pytest.fixture(scope="module")
def encoder(published):
    return load_published(published, VOCABULARY)


def copy_files(published, folder):
    for file in FILES:
        (folder / file).write_bytes((published / file).read_bytes())


def expected(folder, words):
    tables = (np.load(folder / f"{name}table.npy").astype(np.float64) for name in "ub")
    with np.load(folder / "uni_skip.npz") as uni, np.load(folder / "bi_skip.npz") as bi:
        return reference.encode(words, DICTIONARY, *tables, dict(uni), dict(bi))


def test_published_vectors_equal_the_numpy_forward(published, encoder):
    assert is_published(published) and encoder.units == 4 * UNITS
    vectors = encoder(tf.constant(CAPTIONS)).numpy()
    # "runs" is in the dictionary and not in the data's vocabulary, "zebra" the other way round.
    words = [c.lower().split() for c in CAPTIONS]
    for vector, caption in zip(vectors, words, strict=True):
        np.testing.assert_allclose(vector, expected(published, caption), atol=1e-5)


def test_it_knows_the_words_of_both_the_dictionary_and_the_data(encoder, tmp_path):
    encoder.save(tmp_path / "encoder.npz")
    for one in (encoder, load_encoder(tmp_path / "encoder.npz")):
        assert set(one.vocabulary.entries[2:]) == {"a", "red", "bus", "é", "dog"}


def test_a_vector_is_the_same_alone_and_in_a_batch(encoder):
    together = encoder(tf.constant(CAPTIONS)).numpy()
    for caption, vector in zip(CAPTIONS, together, strict=True):
        np.testing.assert_allclose(encoder(tf.constant([caption])).numpy()[0], vector, atol=1e-6)


def test_a_caption_without_words_is_a_zero_vector_alone_and_in_a_batch(encoder):
    np.testing.assert_array_equal(encoder(tf.constant([""])), np.zeros([1, 4 * UNITS]))
    np.testing.assert_array_equal(encoder(tf.constant(["", "a dog"]))[0], np.zeros(4 * UNITS))


def test_each_part_has_length_one(encoder):
    parts = encoder(tf.constant(CAPTIONS)).numpy().reshape(len(CAPTIONS), 2, -1)
    np.testing.assert_allclose(np.linalg.norm(parts, axis=-1), 1, rtol=1e-5)


def test_saved_and_loaded_it_is_the_same(encoder, tmp_path):
    path = tmp_path / "encoder.npz"
    encoder.standardized(np.array([c.encode() for c in CAPTIONS])).save(path)
    loaded = load_encoder(path)
    vectors = loaded(tf.constant(CAPTIONS)).numpy()
    assert loaded.fingerprint == encoder.fingerprint  # that of the weights and words alone
    np.testing.assert_allclose(vectors.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(vectors.std(0), 1, atol=1e-4)
    again = loaded.standardized(np.array([c.encode() for c in CAPTIONS]))
    np.testing.assert_allclose(again(tf.constant(CAPTIONS)), vectors, atol=1e-5)


def test_other_weights_or_words_have_another_fingerprint(published, encoder):
    fewer = load_published(published, Vocabulary.from_counts({"a": 9}))
    assert fewer.fingerprint != encoder.fingerprint


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named_with_its_source(published, tmp_path, name):
    for file in set(FILES) - {name}:
        (tmp_path / file).write_bytes((published / file).read_bytes())
    with pytest.raises(UserError, match=rf"lacks {name}.*rkiros"):
        load_published(tmp_path, VOCABULARY)


def test_a_file_with_other_arrays_is_refused(published, tmp_path):
    copy_files(published, tmp_path)
    np.savez(tmp_path / "bi_skip.npz", encoder_W=np.zeros((5, 6)))
    with pytest.raises(UserError, match=r"cannot be read as the published skip-thought files"):
        load_published(tmp_path, VOCABULARY)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0, 0.3])
def test_an_interrupted_download_is_refused(published, tmp_path, name, share):
    copy_files(published, tmp_path)
    content = (published / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(share * len(content))])
    with pytest.raises(UserError, match=r"cannot be read as the published skip-thought files"):
        load_published(tmp_path, VOCABULARY)


@pytest.mark.parametrize("header", NO_HEADERS)
def test_a_header_that_is_none_is_one_sentence(published, tmp_path, header):
    copy_files(published, tmp_path)
    write_npz(tmp_path / "bi_skip.npz", header, "encoder_W")
    with pytest.raises(UserError, match=r"cannot be read as the published skip-thought files.*\)?"):
        load_published(tmp_path, VOCABULARY)
    copy_files(published, tmp_path)
    (tmp_path / "utable.npy").write_bytes(npy(header))
    with pytest.raises(UserError, match=r"cannot be read as the published skip-thought files"):
        load_published(tmp_path, VOCABULARY)
    write_npz(tmp_path / "encoder.npz", header, "format")
    with pytest.raises(UserError, match="cannot be read as a sentence encoder"):
        load_encoder(tmp_path / "encoder.npz")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((len(DICTIONARY), EMBEDDING), np.nan), "utable.npy has values that are infinite"),
        (np.full((len(DICTIONARY), EMBEDDING), 1e300), "utable.npy has values that are infinite"),
        (np.zeros((len(DICTIONARY), EMBEDDING), complex), "utable.npy has complex128 for numbers"),
        (np.zeros(()), "len"),
        (np.zeros(len(DICTIONARY)), "not enough values"),
    ],
)
def test_word_vectors_that_are_no_numbers_or_no_table_are_refused(
    published, tmp_path, array, message
):
    copy_files(published, tmp_path)
    np.save(tmp_path / "utable.npy", array)
    with pytest.raises(UserError, match=message):
        load_published(tmp_path, VOCABULARY)


def test_a_saved_encoder_of_no_numbers_is_refused(encoder, tmp_path):
    path = tmp_path / "encoder.npz"
    encoder.save(path)
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    for name, value in (("uni/kernel", np.nan), ("mean", np.nan), ("mean", 0.0)):
        shape = arrays["uni/kernel"].shape if name == "uni/kernel" else (encoder.units - 1,)
        np.savez(path, **arrays | {name: np.full(shape, value)})
        with pytest.raises(UserError, match="cannot be read as a sentence encoder"):
            load_encoder(path)


def test_a_word_of_the_dictionary_may_hold_a_carriage_return(published, encoder, tmp_path):
    copy_files(published, tmp_path)
    dictionary = "\n".join(["<eos>", "UNK", "a", "b\rc", *DICTIONARY[4:]])
    (tmp_path / "dictionary.txt").write_bytes(dictionary.encode())
    known = tf.constant(["a red dog"])  # whose rows lie before and behind that word
    np.testing.assert_array_equal(load_published(tmp_path, VOCABULARY)(known), encoder(known))


@pytest.mark.parametrize("content", [b"", b"no archive"])
def test_a_file_that_is_not_an_encoder_is_refused(tmp_path, content):
    path = tmp_path / "encoder.npz"
    path.write_bytes(content)
    with pytest.raises(UserError, match="cannot be read as a sentence encoder"):
        load_encoder(path)
    with pytest.raises(UserError, match="no such sentence encoder"):
        load_encoder(tmp_path / "none.npz")


def test_a_saved_encoder_reads_captions_as_before(published, tmp_path):
    folded = Vocabulary.from_counts({"strasse": 2, "é": 1}, folded=True, segmenter="characters")
    encoder = load_published(published, folded)
    encoder.save(tmp_path / "encoder.npz")
    loaded = load_encoder(tmp_path / "encoder.npz")
    assert loaded.vocabulary.header == folded.header
    assert loaded.fingerprint == encoder.fingerprint
    ids = loaded.tokenizer(tf.constant(["Straße e\u0301", "STRASSE É"])).numpy().tolist()
    assert ids == [folded.ids(["strasse", "é"])] * 2


def test_a_users_mixed_precision_changes_no_vector(encoder, tmp_path):
    encoder.save(tmp_path / "encoder.npz")
    expected = encoder(tf.constant(CAPTIONS))
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        vectors = load_encoder(tmp_path / "encoder.npz")(tf.constant(CAPTIONS))
    finally:
        keras.config.set_dtype_policy(before)
    np.testing.assert_array_equal(vectors, expected)
