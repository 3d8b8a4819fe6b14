"""Errors of a machine or a GPU whose memory is used up, in words."""

import re

_SIZES = "Choose smaller sizes, in training --batch-size first; or free memory that others use."


def is_out_of_memory(error: BaseException) -> bool:
    """Whether Python, NumPy or TensorFlow could not get the memory that it asked for.

    TensorFlow's error goes by its name, as a command may end before TensorFlow is imported.
    """
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"


def memory_in_words(error: BaseException) -> str:
    """A sentence that says what was asked for, where the error does, and what to do."""
    asked = re.search(
        r"allocating tensor with shape\S* and type \w+|(unable to allocate|allocating) [\d.]+ ?\w+",
        str(error),
        re.IGNORECASE,
    )
    what = f" ({asked[0][0].lower()}{asked[0][1:]})" if asked else ""
    return f"There is not enough memory{what}. {_SIZES}"
