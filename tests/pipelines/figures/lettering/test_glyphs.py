import numpy as np
import pytest
from PIL import Image

from pipelines.figures.lettering import fonts
from pipelines.figures.lettering.fonts import is_plain
from pipelines.figures.lettering.glyphs import length, text_image
from pipelines.figures.text_block import TextBlock, longest_word, wrapped
from pipelines.figures.word_attention import alignment_figure

SIZE = 24


def ink(text, size=SIZE):
    """Opacity of a text, without what is empty around it."""
    opacity = np.asarray(text_image(text, size, "black"))[:, :, 3] > 128
    columns = opacity.any(0)
    return opacity[:, columns.argmax() : len(columns) - columns[::-1].argmax()]


@pytest.fixture
def no_system_fonts(monkeypatch):
    """DejaVu Sans alone, as on a machine without fonts."""
    monkeypatch.setattr(fonts, "_system_fonts", lambda: ())
    monkeypatch.setattr(fonts, "_said", set())
    fonts._find.cache_clear()
    yield
    fonts._find.cache_clear()


def drawn(text, **options):
    block = TextBlock.wrap(text, SIZE, 400, "black", **options)
    page = Image.new("RGB", (420, block.height + 10), "white")
    block.draw(page, 5, 5)
    return np.asarray(page)


def test_letters_of_hebrew_stand_from_right_to_left():
    word = ink("לווו")  # the first letter alone is tall
    tall = word[:8].any(0).nonzero()[0]
    assert len(tall) and tall.min() > word.shape[1] / 2


def test_letters_of_arabic_are_joined():
    joined, apart = length("سلس", SIZE), sum(length(letter, SIZE) for letter in "سلس")
    assert joined < 0.9 * apart
    assert ink("سلس").any(0).all()  # no gap between them


def test_words_of_hebrew_are_drawn_from_right_to_left():
    page = drawn("אאא b ללל", strong=frozenset({"אאא"}), strong_colour="red")
    red = (page[:, :, 0] > 200) & (page[:, :, 1] < 100)
    black = (page < 100).all(-1)
    assert red.any() and black.any()
    assert red.any(0).nonzero()[0].min() > black.any(0).nonzero()[0].max()


def test_lines_from_right_to_left_end_at_the_right():
    block = TextBlock.wrap("אאאאאאאא אאאאאאאא אא", SIZE, 150, "black")
    assert len(block.lines) == 3
    page = Image.new("RGB", (block.width + 10, block.height + 10), "white")
    block.draw(page, 5, 5)
    last = np.asarray(page)[-SIZE - 10 :].min(-1) < 128
    assert last.any(0).nonzero()[0].min() > block.width / 2


def test_plain_text_is_drawn_as_ever():
    assert is_plain("A naïve café, Straße; ΟΔΥΣΣΕΥΣ и ещё … ✓ ✗")
    for text in ("שלום", "سلام", "黑", "แมว", "🐶", "e\u0301"):
        assert not is_plain(text)


def test_a_sentence_without_spaces_is_wrapped():
    text = "一只黑色的猫坐在红色的沙发上，两只狗在雪地里奔跑。" * 2
    lines = wrapped(text, 16, 120)
    assert "".join(lines) == text and len(lines) > 3
    assert all(length(line, 16) <= 120 + 16 for line in lines)
    assert not any(line[0] in "，。" for line in lines)
    assert longest_word(text, 16) <= 2 * 20


def test_missing_letters_are_said_once(no_system_fonts, capsys):
    drawn("一只黑色的猫 שלום")
    drawn("两只 黑色 कुत्ता")
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    assert "CJK (" in said[0] and "Install" in said[0]
    assert "Devanagari (" in said[1]


def test_a_keycap_that_is_missing_is_said(no_system_fonts, capsys):
    drawn("1\ufe0f\u20e3")
    assert "emoji and symbols" in capsys.readouterr().out


def test_what_dejavu_has_needs_no_word(no_system_fonts, capsys):
    drawn("שלום سلام naïve 😀 e\u0301 a\u200db ❤\ufe0f")
    assert not capsys.readouterr().out


def test_alignment_of_words_of_every_script(no_system_fonts, recwarn, capsys):
    words = ["قطة", "red", "שלום", "😀", "$x$"]
    canvases = np.zeros((4, 8, 8, 3), np.uint8)
    shown = alignment_figure(np.full((4, 5), 0.2), words, canvases)
    latin = alignment_figure(np.full((4, 5), 0.2), ["word"] * 5, canvases)
    assert shown.height == latin.height
    assert not [str(w.message) for w in recwarn if "Glyph" in str(w.message)]
    assert not capsys.readouterr().out
