"""The text of captions: one way to write an accent, one line, five captions for a picture."""

import re
import unicodedata
from collections.abc import Iterable

from pipelines.data.sources.notes import Notes

CAPTIONS_PER_PICTURE = 5  # as in the paper; COCO has six or seven for some pictures

# Runs of letters that are longer than a word, in scripts that put no spaces between words: Han
# and kana; Thai, Lao, Tibetan, Myanmar and Khmer.
_WITHOUT_SPACES = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]{5}"
    "|[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff]{12}"
)
_LINE_BREAKS = re.compile(r"\s*[\r\n\u2028\u2029]+\s*")

EMPTY = "Empty captions, left out"
BEYOND_FIVE = f"Captions beyond the first {CAPTIONS_PER_PICTURE} of a picture, left out"
JOINED_LINES = "Captions over several lines, joined into one line"
COMPOSED = "Captions whose accents are written in another way (Unicode NFC is used)"
WITHOUT_SPACES = (
    "Captions without spaces between the words, of which each becomes one long word"
    " (put spaces between the words to prevent it)"
)


def clean_captions(captions: Iterable[str], notes: Notes, picture: str) -> tuple[str, ...]:
    """The first five nonempty captions in Unicode NFC, without white space around them.

    Args:
        captions: The captions of one picture.
        notes: Where changes are counted.
        picture: Name of the picture, for the notes.
    """
    cleaned = []
    for caption in captions:
        text = _clean(caption, notes, picture)
        if text:
            cleaned.append(text)
        else:
            notes.count(EMPTY, picture)
    if len(cleaned) > CAPTIONS_PER_PICTURE:
        notes.count(BEYOND_FIVE, picture, len(cleaned) - CAPTIONS_PER_PICTURE)
    return tuple(cleaned[:CAPTIONS_PER_PICTURE])


def _clean(caption: str, notes: Notes, picture: str) -> str:
    text = unicodedata.normalize("NFC", caption)
    if text != caption:
        notes.count(COMPOSED, picture)
    text = text.strip()
    if _LINE_BREAKS.search(text):
        notes.count(JOINED_LINES, picture)
        text = _LINE_BREAKS.sub(" ", text)
    if _WITHOUT_SPACES.search(text):
        notes.count(WITHOUT_SPACES, picture)
    return text
