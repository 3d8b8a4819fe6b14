"""A caption has the same words as it was written and as it was prepared."""

import random
import unicodedata
from collections import Counter

import pytest

from pipelines.data.sources.assembly.caption_text import clean_captions
from pipelines.data.sources.notes import Notes
from t2i_tf.text import segmenter
from t2i_tf.text.segmenter import vocabulary_of
from t2i_tf.text.tokenizer import split_words
from t2i_tf.text.vocabulary import Vocabulary

FOLDED = Vocabulary.from_counts({"é": 1}, folded=True)
INVISIBLE = (
    "\xad\u061c\u180e\u200b\u200e\u200f\u202a\u202c\u2060\u2066\u206a\ufe00\ufe0e\ufe0f\ufeff"
)
VISIBLE = "ab A'’‘-.,1#*=ßİＡ♥นั่黑色あガ・א\u05b7ا\u0654ᄀ\u1161\u0301\u0308\u0327\u0338\u20e3"
EMOJI = "\u200d\u200c🇩🇪👨👩❤🏽🏴\U000e0067\U000e007f"


def prepared(caption):
    return "".join(clean_captions([caption], Notes(), "picture"))


@pytest.mark.parametrize("vocabulary", [None, FOLDED], ids=["lower case", "folded"])
def test_no_character_is_read_otherwise_once_it_is_prepared(vocabulary):
    joiners = {0x200C, 0x200D}  # by themselves no caption, but a word in one
    points = {*range(1, 0xD800), *range(0xE000, 0xFFFE), *range(0x1F000, 0x1FB00)} - joiners
    composed = unicodedata.normalize  # vocabularies of lower case alone have no other spelling
    letters = [a for a in map(chr, points) if vocabulary or composed("NFC", f"xa{a}") == f"xa{a}"]
    captions = ["x{0}y {0}", "{0}", "a{0}'s '{0}"]
    for letter in letters:
        caption = " ".join(captions).format(letter)
        assert split_words(caption, vocabulary) == split_words(prepared(caption), vocabulary)


def test_a_model_knows_every_word_that_it_was_prepared_with(monkeypatch):
    monkeypatch.setattr(segmenter, "segmenter_name", lambda: segmenter.CHARACTERS)
    draw = random.Random(0)
    for _ in range(3000):
        letters = draw.choices(INVISIBLE + VISIBLE + EMOJI, k=draw.randrange(1, 8))
        written = "".join(letters)
        caption = prepared(written)
        vocabulary = vocabulary_of(Counter(split_words(caption)))
        words = split_words(caption, vocabulary)
        assert all(word in vocabulary for word in words), ascii(written)
        if caption and vocabulary.folded:
            for form in ("NFC", "NFD"):
                again = unicodedata.normalize(form, written)
                assert split_words(again, vocabulary) == words, ascii(written)


def test_prepared_captions_stay_as_they_are():
    for caption in ("e\u200e\u0301", "=\xad\u0338", "a\u202e\u0327\u0301b", " \u2060 x"):
        once = prepared(caption)
        assert prepared(once) == once == unicodedata.normalize("NFC", once)
