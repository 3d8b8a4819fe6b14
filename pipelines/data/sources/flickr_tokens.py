r"""Flickr8k and Flickr30k as they were published: `NAME.jpg#0`, a tab, and a caption on each line.

The files are called `Flickr8k.token.txt` and `results_20130124.token`; the split lists beside them
are followed.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipelines.data.sources.assembly.assemble import Row, RowSource
from pipelines.data.sources.assembly.split_choice import Division
from pipelines.data.sources.assembly.split_lists import follow_lists
from pipelines.data.sources.notes import Notes
from t2i_tf.errors import UserError
from t2i_tf.json_files import read_text_bytes

TOKEN_LINE = re.compile(r"([^\t#]+)#\w+\t(.*)")


class FlickrSource(RowSource):
    """Pictures with captions from a token file.

    Args:
        root: Folder with the pictures, or with the folder of the pictures.
        tokens: The token file.
        division: How to divide the pictures if there are no split lists.
    """

    def __init__(self, root: Path, tokens: Path, division: Division):
        self._tokens = tokens
        pictures = [path for path in sorted(root.glob("[Ff]lick*")) if path.is_dir()]
        bases = [*(path for path in pictures if "text" not in path.name.lower()), root]
        facts = {"annotations": [tokens.name]}
        super().__init__(self._rows, bases, root, division, facts=facts)

    def _rows(self, notes: Notes) -> Iterable[Row]:
        return follow_lists(token_rows(self._tokens), self._tokens, notes)


def token_rows(tokens: Path) -> Iterator[Row]:
    """The rows of a token file.

    Raises:
        UserError: a line has another form.
    """
    for number, line in enumerate(read_text_bytes(tokens).decode().split("\n"), start=1):
        if not line.strip():
            continue
        match = TOKEN_LINE.fullmatch(line.rstrip("\r"))
        if not match:
            raise UserError(
                f"{tokens}, line {number}: expected a picture, `#` and a number, a tab and a"
                f" caption, found {line.strip()[:60]!r}."
            )
        yield Row(match[1], (match[2],), f"{tokens}, line {number}")


def is_token_file(path: Path) -> bool:
    """Whether the first line of a file has the form of a token file."""
    if path.suffix.lower() not in (".txt", ".token"):
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return bool(TOKEN_LINE.fullmatch(file.readline().rstrip("\r\n")))
