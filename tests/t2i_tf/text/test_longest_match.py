import random

import pytest
import tensorflow as tf

from t2i_tf.text.longest_match import longest_match
from t2i_tf.text.scripts import is_mark, units
from t2i_tf.text.tokenizer import Tokenizer, check_caption, split_words
from t2i_tf.text.vocabulary import Vocabulary

WORDS = (
    "一只 黑色 黑 的 猫 坐在 沙发 上 沙发上的 แมว สีดำ สี "
    "ดำ 黒い 猫が قطة سوداء ، hund strasse 🐶 👍🏽 👨‍👩‍👧 🇩🇪"
)
CAPTIONS = [
    "一只黑色的猫坐在沙发上",
    "黑的沙发上的狗",
    "แมวสีดำ",
    "黒い猫がいる。",
    "قطة سوداء، قطة",
    "Hund🐶🐶 auf der STRASSE 👍🏽👍 👨‍👩‍👧🇩🇪🇩🇪!",
    "iPhone黑色",
    "",
    "  ",
]


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary.from_counts(dict.fromkeys(WORDS.split(), 1), folded=True)


def test_the_longest_known_word_is_taken(vocabulary):
    assert split_words("黑的沙发上的狗", vocabulary) == ["黑", "的", "沙发上的", "狗"]
    assert longest_match("黑色的猫", {"黑", "黑色", "猫"}, 2) == ["黑色", "的", "猫"]


def test_a_letter_is_not_parted_from_its_signs():
    assert units("กำลังนั่ง") == ["กำ", "ลั", "ง", "นั่", "ง"]
    assert units("ខ្មៅ") == ["ខ្មៅ"]
    assert units("👍🏽👨‍👩‍👧🇩🇪🇫🇷x") == ["👍🏽", "👨‍👩‍👧", "🇩🇪", "🇫🇷", "x"]


def test_words_of_many_scripts(vocabulary):
    assert split_words(CAPTIONS[4], vocabulary) == ["قطة", "سوداء", "،", "قطة"]
    assert split_words("a\u200fb ❤\ufe0f❤", vocabulary) == ["ab", "❤", "❤"]
    emoji = ["hund", "🐶", "🐶", "auf", "der", "strasse", "👍🏽", "👍", "👨‍👩‍👧", "🇩🇪", "🇩🇪", "!"]
    assert split_words(CAPTIONS[5], vocabulary) == emoji


def test_python_and_graph_agree(vocabulary):
    draw = random.Random(0)
    letters = "".join(CAPTIONS) + WORDS + "\u200d\ufe0f'’.ั่🏽\xad\u202b\u200f\u2060\u061c"
    captions = CAPTIONS + ["".join(draw.choices(letters, k=12)) for _ in range(3000)]
    tokenizer = Tokenizer(vocabulary, 99)
    expected = [split_words(caption, vocabulary) for caption in captions]
    for caption, found, words in zip(
        captions, tokenizer.words(tf.constant(captions)).numpy(), expected, strict=True
    ):
        assert [word.decode() for word in found if word] == words, caption
    lengths = tokenizer.lengths(tf.constant(captions)).numpy().tolist()
    assert lengths == list(map(len, expected))


def test_ids_of_words_without_spaces(vocabulary):
    tokenizer = Tokenizer(vocabulary, 4)
    ids = tokenizer(tf.constant(["黑的狗", "", "黑色黑色黑色黑色黑色"])).numpy().tolist()
    assert ids[0] == [*vocabulary.ids(["黑", "的"]), 1, 0]
    assert ids[1] == [0, 0, 0, 0]
    assert ids[2] == vocabulary.ids(["黑色"]) * 4
    assert tokenizer.unknown_words("黑狗狗") == ["狗"]
    check_caption("黑色黑色", 2, vocabulary)


def test_a_batch_without_words(vocabulary):
    tokenizer = Tokenizer(vocabulary, 4)
    assert tokenizer(tf.constant([""]), pad=True).numpy().tolist() == [[0] * 4]
    assert tokenizer(tf.constant([], tf.string), pad=True).shape == (0, 4)


def test_emoji_are_words_and_marks_are_not():
    words = ["a", "猫", "🐶", "👍🏽", "،", "。", ".", "#"]
    assert [word for word in words if is_mark(word)] == words[4:]
