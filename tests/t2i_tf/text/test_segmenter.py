from collections import Counter

import pytest
import tensorflow as tf

from t2i_tf.text import segmenter
from t2i_tf.text.segmenter import vocabulary_of
from t2i_tf.text.tokenizer import Tokenizer, split_words
from t2i_tf.text.vocabulary import Vocabulary

ENGLISH = ["A dog's red ball, thrown.", "Two dogs run (fast)!", "don’t step on the grass"]
SENTENCES = {
    "一只黑色的猫坐在红色的沙发上": "一只 黑色 的 猫 坐在 红色 的 沙发 上",
    "แมวสีดำนั่งอยู่บนโซฟาสีแดง": "แมว สี ดำ นั่ง อยู่ บน โซฟา สี แดง",
    "黒い猫が赤いソファーに座っている": "黒い 猫 が 赤い ソファー に 座 って いる",
    "ឆ្មាខ្មៅអង្គុយលើសាឡុង": "ឆ្មា ខ្មៅ អង្គុយ លើ សាឡុង",
    "ແມວສີດຳນັ່ງຢູ່ເທິງໂຊຟາ": "ແມວ ສີ ດຳ ນັ່ງ ຢູ່ ເທິງ ໂຊຟາ",
}


def counted(captions):
    counts = Counter()
    for caption in captions:
        counts.update(split_words(caption))
    return counts


def test_english_keeps_its_vocabulary_and_ids(tmp_path):
    counts = counted(ENGLISH)
    vocabulary, before = vocabulary_of(counts), Vocabulary.from_counts(counts)
    assert vocabulary == before
    vocabulary.save(tmp_path / "now")
    assert (tmp_path / "now").read_text().startswith("<pad>\t0\n<unk>\t0\n")
    assert vocabulary.fingerprint == before.fingerprint


def test_accents_add_a_header_and_change_no_id():
    captions = [*ENGLISH, "A café, naïve Crêpes", "Él corre 🐶"]
    counts = counted(captions)
    vocabulary, before = vocabulary_of(counts), Vocabulary.from_counts(counts)
    assert vocabulary.folded and not vocabulary.segmenter
    assert (vocabulary.entries, vocabulary.counts) == (before.entries, before.counts)
    ids = [
        Tokenizer(one, 9)(tf.constant(captions)).numpy().tolist() for one in (vocabulary, before)
    ]
    assert ids[0] == ids[1]


def test_spellings_are_counted_together():
    vocabulary = vocabulary_of(counted(["Straße STRASSE", "strasse cafe\u0301 café"]), min_count=2)
    assert vocabulary.entries[2:] == ("strasse", "café")
    assert vocabulary.counts[2:] == (3, 2)


def test_words_by_the_dictionaries_of_icu():
    pytest.importorskip("icu4py")
    vocabulary = vocabulary_of(counted(SENTENCES))
    assert vocabulary.segmenter == f"icu4py {segmenter.importlib.metadata.version('icu4py')}"
    for caption, words in SENTENCES.items():
        assert split_words(caption, vocabulary) == words.split()


def test_letters_where_icu_is_missing(monkeypatch):
    monkeypatch.setattr(segmenter, "segmenter_name", lambda: segmenter.CHARACTERS)
    vocabulary = vocabulary_of(counted(["黑色的猫", "แมวสีดำ", "a dog"]))
    assert vocabulary.segmenter == "characters"
    assert split_words("黑猫 สี dog", vocabulary) == ["黑", "猫", "สี", "dog"]
    assert not Tokenizer(vocabulary, 9).unknown_words("黑猫สีดำ a dog")


def test_rarer_words_are_left_out_after_they_are_cut():
    vocabulary = vocabulary_of(Counter({"🐶🐶": 1, "🐶": 1, "cat": 1}), min_count=2)
    assert vocabulary.entries[2:] == ("🐶",)
