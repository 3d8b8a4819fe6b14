"""Which columns of a table hold the picture, the captions and the split."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.data.sources.assembly.split_choice import SPLIT_NAMES
from t2i_tf.errors import UserError

FILE_COLUMNS = (
    "file",
    "file_name",
    "filename",
    "image",
    "image_path",
    "filepath",
    "file_path",
    "image_name",
    "image_file",
    "path",
    "img",
    "img_path",
    "picture",
)
CAPTION_COLUMNS = (
    "caption",
    "captions",
    "text",
    "texts",
    "comment",
    "comments",
    "sentence",
    "sentences",
    "prompt",
    "prompts",
    "description",
    "raw",
)
SPLIT_COLUMNS = ("split", "subset", "partition", "set", "data_split", "phase")
FLAGGED = {name.replace("_", ""): split for name, split in SPLIT_NAMES.items() if name != "valid"}

# Only with a first word: `train` may be what a picture shows, and `is_valid` is no split to most.
_FLAG = re.compile(
    rf"(?:is|in)({'|'.join(sorted(FLAGGED, key=len, reverse=True))})"
    r"(?:set|split|image|picture|sample)?"
)
_NUMBERED = re.compile(r"(caption|text|comment|sentence|prompt|description)s?\d+")
_BETWEEN_WORDS = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Columns:
    """Names of the columns that are read; `split` is None where a table has none.

    `flags` are columns such as `is_test`, by the split that they say yes or no to; `others` are
    read only to find out what they hold.
    """

    file: str
    captions: tuple[str, ...]
    split: str | None
    flags: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """All of them."""
        return [self.file, *self.captions, *self._for_splits, *self.others]

    def __str__(self) -> str:
        """The names as a phrase, for people."""
        names = f"{self.file!r} for the pictures and {_listed(self.captions)} for the captions"
        return names + (
            f", {_listed(splits)} for the splits" if (splits := self._for_splits) else ""
        )

    @property
    def _for_splits(self) -> Sequence[str]:
        return [self.split] if self.split else list(self.flags.values())


@dataclass(frozen=True)
class WantedColumns:
    """Columns that a user names; the usual names are looked for where there is none.

    Args:
        file: Column of the pictures.
        captions: Columns of the captions.
    """

    file: str | None = None
    captions: tuple[str, ...] = ()

    def choose(self, header: Sequence[str], where: str) -> Columns:
        """The columns of a table.

        Args:
            header: Names of all columns.
            where: The table, for errors.

        Raises:
            UserError: there is no column for the pictures or for the captions.
        """
        self._refuse_missing(header, where)
        file = self.file or _first(FILE_COLUMNS, header)
        captions = self.captions or _caption_columns(header)
        if file is None or not captions:
            raise UserError(
                f"{where}: expected a header with `file` and `caption`, found {', '.join(header)}."
                f" Other usual names, such as {FILE_COLUMNS[3]!r} and {CAPTION_COLUMNS[2]!r}, are"
                " read too; give yours with --file-column and --caption-column."
            )
        split = split_column(header)
        return Columns(file, captions, split, {} if split else flag_columns(header))

    def fits(self, header: Sequence[str]) -> bool:
        """Whether a table with this header can be read."""
        try:
            self.choose(header, "")
        except UserError:
            return False
        return True

    def _refuse_missing(self, header: Sequence[str], where: str) -> None:
        flags = [("--file-column", self.file)] if self.file else []
        flags += [("--caption-column", name) for name in self.captions]
        for flag, name in flags:
            if name not in header:
                raise UserError(
                    f"{where}: {flag} names {name!r}, but the columns are {', '.join(header)}."
                )


def split_column(header: Iterable[str]) -> str | None:
    """The column that is called as one that names splits."""
    return _first(SPLIT_COLUMNS, list(header))


def flag_columns(header: Iterable[str]) -> dict[str, str]:
    """For each split with a column such as `is_test`, the first of them."""
    found: dict[str, str] = {}
    for name in header:
        flag = _FLAG.fullmatch(_plain(name))
        if flag:
            found.setdefault(FLAGGED[flag[1]], name)
    return found


def _caption_columns(header: Sequence[str]) -> tuple[str, ...]:
    one = _first(CAPTION_COLUMNS, header)
    numbered = tuple(name for name in header if _NUMBERED.fullmatch(_plain(name)))
    return (one, *numbered) if one else numbered


def _first(usual: Iterable[str], header: Sequence[str]) -> str | None:
    """The column with the first of the usual names, however its words are joined."""
    written = {_plain(name): name for name in reversed(header)}
    return next((written[_plain(name)] for name in usual if _plain(name) in written), None)


def _plain(name: str) -> str:
    """A column's name without case and without what joins its words: `Image-Path` is imagepath."""
    return _BETWEEN_WORDS.sub("", name.lower())


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
