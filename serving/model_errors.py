"""What TensorFlow reports of a failed model, as a sentence for people. Standard library only."""

import re

from serving import contract

_NODE = re.compile(r"\s*\[\[\{\{.*", re.DOTALL)
_PLACE = re.compile(r"\{\{(?:function_)?node [^}]*\}\}\s*")
_SEVERAL = re.compile(r"^\s*\d+ root error\(s\) found\.\s*\(0\) [A-Za-z_ ]+: ")
_ASSERTION = re.compile(r"\bassertion failed: (\[.*\])", re.DOTALL)
_REPEATED = re.compile(r"\b(\d+)(?: \1\b)+\.\.\.")
_WORDS = re.compile(
    r"(?P<input>\w+): expected (1 to|at most) (?P<most>\d+) words and marks,"
    r" got (?P<numbers>[\d .]+)"
)
_CAPTIONS = {contract.INSTEAD_OF: "The caption to move away from"}


def model_error(text: str) -> str:
    """TensorFlow's text without the names of nodes, and an assertion as what it asserts.

    >>> model_error("assertion failed: [prompt: got] [26 26 26...] [[{{node Assert}}]]")
    'prompt: got 26'
    """
    text = _PLACE.sub("", _NODE.sub("", text))
    text = _SEVERAL.sub("", text).strip()
    return _ASSERTION.sub(_asserted, text)


def _asserted(match: re.Match) -> str:
    """`[expected 3, got] [4 4]` -> `expected 3, got 4`."""
    return _REPEATED.sub(r"\1", match[1][1:-1].replace("] [", " "))


def too_many_words(text: str) -> str:
    """A sentence for a caption that is empty or too long for the model; "" for any other error.

    >>> too_many_words("prompt: expected 1 to 16 words and marks, got 4 26")
    'The caption has 26 words and marks, and this model reads at most 16. Shorten it.'
    """
    match = _WORDS.search(text)
    if not match:
        return ""
    most = int(match["most"])
    numbers = [int(number) for number in re.findall(r"\d+", match["numbers"])]
    found = next((number for number in numbers if not 1 <= number <= most), None)
    if found == 0:
        return "The caption has no words: describe in a few words what to draw."
    count = "more" if found is None else f"{found:,}"
    caption = _CAPTIONS.get(match["input"], "The caption")
    return (
        f"{caption} has {count} words and marks, and this model reads at most {most}. Shorten it."
    )
