import pytest

from pipelines.figures.lettering.reading_order import is_right_to_left, visual_order


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("a red dog", "a red dog"),
        ("קטה א", "א קטה"),
        ("كلب 12 قطة", "قطة 12 كلب"),
        ("كلب abc def قطة", "قطة abc def كلب"),
        ("the كلب قطة there", "the قطة كلب there"),
        ("the كلب 12 there", "the 12 كلب there"),
        ("كلب ، قطة !", "! قطة ، كلب"),
        ("12 dogs", "12 dogs"),
        ("", ""),
    ],
)
def test_words_from_left_to_right(line, seen):
    parts = [part for word in line.split() for part in (word, " ")][:-1]
    assert "".join(parts[k] for k in visual_order(parts)) == seen


def test_a_line_has_the_direction_of_its_text():
    assert visual_order(["abc", " ", "كلب"]) == [0, 1, 2]
    assert visual_order(["abc", " ", "كلب"], right_to_left=True) == [2, 1, 0]


def test_direction_of_the_first_letter_that_has_one():
    assert is_right_to_left("12 (שלום) abc")
    assert not is_right_to_left("12 (abc) שלום")
    assert not is_right_to_left("12 😀")
