"""People's ratings of how well a caption fits a picture, as Flickr8k has them.

A line of `ExpertAnnotations.txt` is a picture, a caption of some picture, and three ratings from 1
(unrelated) to 4 (without errors), with tabs between them. Captions are named as in
`Flickr8k.token.txt`, which is read from the same folder.
"""

from pathlib import Path
from typing import NamedTuple

from t2i_tf.errors import UserError
from t2i_tf.json_files import read_text_bytes

TOKENS = "Flickr8k.token.txt"
LOWEST, HIGHEST = 1, 4


class RatedPair(NamedTuple):
    """A picture and a caption, with a rating by each of several people."""

    picture: str  # name of its file
    caption: str
    own: bool  # whether the caption was written for this very picture
    ratings: tuple[int, ...]


def read_ratings(path: Path) -> list[RatedPair]:
    """The pairs of a file of ratings.

    Raises:
        UserError: a file is missing, a line has another form, or a caption is not in the token
            file.
    """
    captions = _read_captions(path.parent / TOKENS)
    pairs = []
    for number, line in _lines(path):
        where, fields = f"{path}, line {number}", line.split("\t")
        if len(fields) < 3 or not all(map(_is_rating, fields[2:])):
            raise UserError(
                f"{where}: expected a picture, the name of a caption and ratings from {LOWEST} to"
                f" {HIGHEST}, with tabs between them, got {line[:80]!r}."
            )
        picture, name, *ratings = fields
        if len(ratings) != len(pairs[0].ratings if pairs else ratings):
            raise UserError(
                f"{where}: expected {len(pairs[0].ratings)} ratings as in the first line, got"
                f" {len(ratings)}."
            )
        if name not in captions:
            raise UserError(f"{where}: {path.parent / TOKENS} has no caption {name}.")
        own = name.rpartition("#")[0] == picture
        pairs.append(RatedPair(picture, captions[name], own, tuple(map(int, ratings))))
    if not pairs:
        raise UserError(f"{path}: expected ratings, found none.")
    return pairs


def _read_captions(path: Path) -> dict[str, str]:
    """Captions by name, `PICTURE#NUMBER`."""
    if not path.is_file():
        raise UserError(
            f"Ratings name captions of {TOKENS}, which is not in {path.parent}. Put it beside them."
        )
    return dict(line.split("\t", 1) for _, line in _lines(path) if "\t" in line)


def _lines(path: Path):
    """The lines that are not empty, with their numbers."""
    text = read_text_bytes(path).decode()
    numbered = enumerate(text.splitlines(), start=1)
    return [(number, line) for number, line in numbered if line.strip()]


def _is_rating(text: str) -> bool:
    return text.isdecimal() and LOWEST <= int(text) <= HIGHEST
