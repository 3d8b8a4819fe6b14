"""The text or JSON file that belongs to one picture, as WebDataset and img2dataset have them.

The captions are the lines of the text, or else those of a field of the JSON, which may also name
the split.
"""

import re
from collections.abc import Sequence
from typing import Any

from pipelines.data.sources.notes import Notes
from pipelines.data.sources.tables.caption_cells import captions_in_cell
from pipelines.data.sources.tables.columns import CAPTION_COLUMNS
from pipelines.data.sources.tables.split_cells import split_in_object
from t2i_tf.json_files import as_utf8, decode_json

TEXT_EXTENSIONS = (".txt", ".caption")
JSON_EXTENSION = ".json"


def described_by(
    contents: bytes, extension: str, where: str, notes: Notes
) -> tuple[Sequence[str], str | None]:
    """The captions of a text or JSON file, and the split that the JSON names.

    Args:
        contents: The file.
        extension: One of `TEXT_EXTENSIONS`, or `JSON_EXTENSION`.
        where: Place of the file, for errors.
        notes: Where lists of captions are counted.

    Raises:
        UserError: it is not UTF-8, or no JSON object, or its captions are no texts.
    """
    text = as_utf8(contents, where)
    if extension in TEXT_EXTENSIONS:
        return lines_of(text), None
    described = decode_json(text, dict[str, Any], where)
    field = next((name for name in CAPTION_COLUMNS if described.get(name)), None)
    captions = captions_in_cell(described[field], where, field, notes) if field else []
    return captions, split_in_object(described, notes)


def lines_of(text: bytes) -> tuple[str, ...]:
    """The lines of a text that are not blank; U+2028 and its like do not end a line."""
    return tuple(line for line in re.split(r"[\r\n]+", text.decode()) if line.strip())
