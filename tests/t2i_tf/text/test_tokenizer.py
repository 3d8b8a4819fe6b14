import re

import numpy as np
import pytest
import tensorflow as tf

from t2i_tf.text.scripts import INVISIBLE, SPACES, WORD
from t2i_tf.text.tokenizer import Tokenizer, split_in_graph, split_words
from t2i_tf.text.vocabulary import Vocabulary

CAPTIONS = [
    "A stop sign is flying in blue skies.",
    "A dog's  red\tball,\nthrown (twice)!!",
    "'quoted' dogs' rock'n'roll, don’t — “no”…",
    "",
    "   \t\n ",
    "Ein Mädchen isst 3.5 Crêpes, naïve café",
    "İstanbul'da ΟΔΥΣΣΕΥΣ, и ещё; 東京の「猫」。",
    "t-shirt a_b a/b 50% $5 #1 <pad> <unk> [x]\\{y}~`^|",
    "foot\xadball \u202bdog\u202ccat\u200e\u2066 \u2060red\u061c's\u206f\xad",
    "wide\u00a0and\u3000thin\u2009and\u200bnone\ufeff\x01\x85end",
    "cafe\u0301 ½ × ÷ ¿qué? ¡sí! «oui» 😀👍🏽 ²",
    ".",
    "\u3000",
]


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer(Vocabulary.from_counts({"a": 5, "red": 3, "dog": 2, ".": 1}), max_words=4)


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("A dog's Red ball, thrown.", ["a", "dog's", "red", "ball", ",", "thrown", "."]),
        ("don’t 'go'", ["don't", "'", "go", "'"]),
        ("ÉTÉ 3.5 t-shirt", ["été", "3", ".", "5", "t", "-", "shirt"]),
        (" \t\n\u00a0", []),
        (
            "sun\xadset \u202bdog\u202ccat\u200e \u2060red\u061c's\u206f",
            ["sunset", "dogcat", "red's"],
        ),
    ],
)
def test_words_of_a_caption(caption, words):
    assert split_words(caption) == words


def test_python_and_graph_agree():
    split = split_in_graph(tf.constant(CAPTIONS))
    for caption, words in zip(CAPTIONS, split.to_list(), strict=True):
        assert [word.decode() for word in words] == split_words(caption)


def test_python_and_graph_agree_on_every_character_of_the_basic_plane():
    # Capitals of recent Unicode versions that one of the two engines lacks.
    young = {0x2C2F, 0xA7C0, 0xA7D0, 0xA7D6, 0xA7D8}
    points = (p for p in range(1, 0x10000) if not 0xD800 <= p < 0xE000 and p not in young)
    captions = [f"x{chr(point)}y {chr(point)}" for point in points]
    split = split_in_graph(tf.constant(captions)).to_list()
    assert [[w.decode() for w in words] for words in split] == list(map(split_words, captions))


def test_tensorflow_text_finds_the_words_at_the_same_places():
    tensorflow_text = pytest.importorskip("tensorflow_text")
    pattern = f"{SPACES}|{WORD}"
    captions = [re.sub(INVISIBLE, "", caption) for caption in CAPTIONS]
    _, *found = tensorflow_text.regex_split_with_offsets(captions, pattern, WORD)
    for caption, *places in zip(captions, *(part.to_list() for part in found), strict=True):
        written = [caption.encode()[begin:end].decode() for begin, end in zip(*places, strict=True)]
        assert [word.lower().replace("’", "'") for word in written] == split_words(caption)


def test_ids_are_padded_to_the_longest_and_cut(tokenizer):
    ids = tokenizer(tf.constant(["A red yak", "dog", ""]))
    assert ids.dtype == tf.int32
    np.testing.assert_array_equal(ids, [[2, 3, 1], [4, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(tokenizer(tf.constant(["a a a a a a"])), [[2, 2, 2, 2]])


def test_ids_can_be_padded_to_max_words(tokenizer):
    np.testing.assert_array_equal(tokenizer(tf.constant(["dog"]), pad=True), [[4, 0, 0, 0]])
    assert tokenizer(tf.constant([], tf.string), pad=True).shape == (0, 4)


def test_words_stand_where_their_ids_stand(tokenizer):
    words = tokenizer.words(tf.constant(["A yak", "dog , dog"]), pad=True)
    expected = [[b"a", b"yak", b"", b""], [b"dog", b",", b"dog", b""]]
    np.testing.assert_array_equal(words, expected)


def test_bytes_that_are_not_utf8_are_unknown_words(tokenizer):
    np.testing.assert_array_equal(tokenizer(tf.constant([b"a \xff\xfe dog"])), [[2, 1, 4]])


def test_unknown_words_are_named_once(tokenizer):
    assert tokenizer.unknown_words("A Yak, a yak") == ["yak", ","]
    assert tokenizer.unknown_words("a dog") == []


def test_lengths_are_of_whole_captions(tokenizer):
    np.testing.assert_array_equal(tokenizer.lengths(tf.constant(["a a a a a.", ""])), [6, 0])


def test_tokenizer_runs_from_a_saved_model_in_a_session(tokenizer, tmp_path):
    module = tf.Module()
    module.tokenizer = tokenizer
    signature = tf.TensorSpec([None], tf.string, "prompt")
    module.tokenize = tf.function(lambda prompt: {"ids": tokenizer(prompt, pad=True)}, [signature])
    signatures = {"serving_default": module.tokenize.get_concrete_function()}
    tf.saved_model.save(module, str(tmp_path), signatures)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(tmp_path))
        definition = meta.signature_def["serving_default"]
        ids = session.run(
            definition.outputs["ids"].name, {definition.inputs["prompt"].name: ["A dog."]}
        )
    np.testing.assert_array_equal(ids, [[2, 4, 1 + 4, 0]])
