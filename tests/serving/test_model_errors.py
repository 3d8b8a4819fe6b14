"""TensorFlow's texts as sentences: no node, no assertion."""

import pytest

from serving.model_errors import model_error, too_many_words

WORDS = "prompt: expected 1 to 16 words and marks, got"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"assertion failed: [{WORDS}] [26]\n\t [[{{{{node a/Assert}}}}]]", f"{WORDS} 26"),
        (f"assertion failed: [{WORDS}] [26 26 26...]", f"{WORDS} 26"),
        (
            f"{{{{function_node __inference_f_7}}}} assertion failed: [{WORDS}] [3 26]",
            f"{WORDS} 3 26",
        ),
        (
            "{{function_node __wrapped__Assert}} {{function_node f}} assertion failed: [a] [b]",
            "a b",
        ),
        (
            "2 root error(s) found.\n  (0) INVALID_ARGUMENT: assertion failed: [a,] [4] [got] "
            "[8 8]\n\t [[{{node x}}]]\n  (1) INVALID_ARGUMENT: assertion failed: [b]",
            "a, 4 got 8 8",
        ),
        ("png: expected 16 x 16 pixels, got 16 16", "png: expected 16 x 16 pixels, got 16 16"),
        (
            "Incompatible shapes: [2] vs. [3]\n\t [[{{node add}}]]",
            "Incompatible shapes: [2] vs. [3]",
        ),
    ],
)
def test_nothing_of_the_graph_is_left(text, expected):
    assert model_error(text) == expected


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ("26", "has 26 words"),
        ("3 26", "has 26 words"),
        ("0", "no words"),
        ("3 4 5...", "has more words"),
    ],
)
def test_a_caption_of_too_many_words(numbers, words):
    assert words in too_many_words(f"{WORDS} {numbers}.")
    assert not too_many_words("temperature: expected numbers from 0 to 1000000, got -1")


def test_a_caption_to_move_away_from_of_too_many_words():
    words = too_many_words("instead_of: expected at most 16 words and marks, got 20")
    assert words.startswith("The caption to move away from has 20 words")
