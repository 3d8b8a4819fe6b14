"""The text of captions: one way to write an accent, one line, five captions for a picture."""

import re
import string
import unicodedata
from collections.abc import Iterable

from pipelines.data.sources.notes import Notes
from t2i_tf.errors import install_extra
from t2i_tf.text.scripts import INVISIBLE, WITHOUT_SPACES
from t2i_tf.text.segmenter import CHARACTERS, segmenter_name

CAPTIONS_PER_PICTURE = 5  # as in the paper; COCO has six or seven for some pictures

_without_spaces = re.compile(WITHOUT_SPACES).search
_LINE_BREAKS = re.compile(r"\s*[\r\n\u2028\u2029]+\s*")

# Control characters and halves of characters (surrogates). Joiners, which change letters, are kept.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufeff\ud800-\udfff]+")
_without_invisible = re.compile(INVISIBLE).sub
_ZERO_WIDTH = "\u200b\u200c\u200d"

EMPTY = "Empty captions, left out"
NO_VALUE = "Captions that only say that there is none, such as nan or NULL, left out"
NO_VALUES = ("nan", "<na>", "null", "none", "n/a")
BEYOND_FIVE = f"Captions beyond the first {CAPTIONS_PER_PICTURE} of a picture, left out"
CLEARED = "Captions with control or invisible characters, read without them"
JOINED_LINES = "Captions over several lines, joined into one line"
COMPOSED = "Captions whose accents are written in another way (Unicode NFC is used)"
SEGMENTED = "Captions without spaces between the words, cut into words by ICU's dictionaries"
CUT_INTO_LETTERS = (
    "Captions without spaces between the words, of which each letter is read as a word (for words,"
    f" {install_extra('segmentation')}; then prepare into a new folder)"
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
        if text.lower() in NO_VALUES:  # as programs write that they have no caption
            notes.count(NO_VALUE, picture)
        elif text:
            cleaned.append(text)
        else:
            notes.count(EMPTY, picture)
    if len(cleaned) > CAPTIONS_PER_PICTURE:
        notes.count(BEYOND_FIVE, picture, len(cleaned) - CAPTIONS_PER_PICTURE)
    return tuple(cleaned[:CAPTIONS_PER_PICTURE])


def _clean(caption: str, notes: Notes, picture: str) -> str:
    cleared = _without_invisible("", _UNPRINTABLE.sub(" ", caption))
    if cleared != caption:
        notes.count(CLEARED, picture)
    text = unicodedata.normalize("NFC", cleared)
    if text != cleared:
        notes.count(COMPOSED, picture)
    text = text.strip() if text.strip(string.whitespace + _ZERO_WIDTH) else ""
    if _LINE_BREAKS.search(text):
        notes.count(JOINED_LINES, picture)
        text = _LINE_BREAKS.sub(" ", text)
    if _without_spaces(text):
        notes.count(CUT_INTO_LETTERS if segmenter_name() == CHARACTERS else SEGMENTED, picture)
    return text
