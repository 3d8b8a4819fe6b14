"""The vocabulary of a model: words and their ids."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from t2i_tf.errors import UserError
from t2i_tf.files import write_atomically
from t2i_tf.text.scripts import longest_unspaced

PAD, UNKNOWN = 0, 1
RESERVED = ("<pad>", "<unk>")
_HEADER = "# t2i-tf vocabulary 2: NFC, casefold"
_SEGMENTED = ", longest match of words by "
_read_header = re.compile(f"{_HEADER}(?:{_SEGMENTED}(.+))?").fullmatch


@dataclass(frozen=True)
class Vocabulary:
    """Words by id, with their counts; id 0 is padding, id 1 every unknown word.

    Attributes:
        entries: words.
        counts: occurrences of each.
        folded: whether captions are folded and cut by longest match before they are looked up;
            else they are lower-cased, as all were in earlier versions.
        segmenter: what found the words of scripts without spaces; "" where there are none.
    """

    entries: tuple[str, ...]
    counts: tuple[int, ...]
    folded: bool = False
    segmenter: str = ""

    @classmethod
    def from_counts(
        cls,
        counts: Mapping[str, int],
        min_count: int = 1,
        max_size: int | None = None,
        *,
        folded: bool = False,
        segmenter: str = "",
    ) -> "Vocabulary":
        """The words that occur at least `min_count` times, most frequent first, then by alphabet.

        Args:
            counts: occurrences of each word.
            min_count: rarer words are left out.
            max_size: largest number of ids, the two reserved ones included.
            folded, segmenter: how captions are read, see the class.
        """
        kept = sorted(
            ((word, count) for word, count in counts.items() if count >= min_count),
            key=lambda entry: (-entry[1], entry[0]),
        )
        kept = kept[: None if max_size is None else max(0, max_size - len(RESERVED))]
        return cls(
            entries=(*RESERVED, *(word for word, _ in kept)),
            counts=(0, 0, *(count for _, count in kept)),
            folded=folded,
            segmenter=segmenter,
        )

    def __len__(self) -> int:
        return len(self.entries)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {word: i for i, word in enumerate(self.entries)}

    def __contains__(self, word: str) -> bool:
        return self._ids.get(word, 0) > UNKNOWN

    def ids(self, words: Iterable[str]) -> list[int]:
        """Ids of words, 1 for unknown words."""
        return [self._ids[word] if word in self else UNKNOWN for word in words]

    def words(self, ids: Iterable[int]) -> list[str]:
        """Words of ids, without padding."""
        return [self.entries[i] for i in ids if i != PAD]

    @cached_property
    def longest_unspaced(self) -> int:
        """Letters of the longest word in a script without spaces; 0 without such words."""
        return longest_unspaced(self.entries)

    @property
    def header(self) -> str:
        """How captions are read, as the first line of a file; "" for lower-case words alone."""
        if not self.folded:
            return ""
        return _HEADER + (_SEGMENTED + self.segmenter if self.segmenter else "")

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the header and the words in order, hexadecimal."""
        lines = [self.header, *self.entries] if self.folded else self.entries
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def save(self, path: Path) -> None:
        """Write the header if there is one, and `word<TAB>count` for each id, atomically."""
        entries = zip(self.entries, self.counts, strict=True)
        text = "".join(f"{word}\t{count}\n" for word, count in entries)
        text = f"{self.header}\n{text}" if self.folded else text
        write_atomically(Path(path), lambda file: file.write(text.encode()))

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Read a file that `save` wrote.

        Raises:
            UserError: the file is missing, or is not a vocabulary; the message names the line.
        """
        try:
            text = Path(path).read_bytes().decode()
        except OSError as error:
            raise UserError(f"The vocabulary {path} cannot be read: {error.strerror}.") from None
        except UnicodeDecodeError as error:
            raise UserError(
                f"{path} is not a vocabulary: byte {error.start} is not UTF-8."
            ) from None
        if not text.strip():
            raise UserError(f"{path} is not a vocabulary: the file is empty.")
        lines = text.removesuffix("\n").split("\n")  # splitlines() splits at more than newlines
        folded, segmenter = read_header(lines[0], path)
        entries = [
            _entry(path, number, line) for number, line in enumerate(lines[folded:], 1 + folded)
        ]
        words = tuple(word for word, _ in entries)
        if words[: len(RESERVED)] != RESERVED:
            raise UserError(
                f"{path} is not a vocabulary: it should begin with the lines "
                f"{' and '.join(RESERVED)}, found {list(words[:2])}."
            )
        if len(set(words)) < len(words):
            raise UserError(f"{path} is not a vocabulary: it contains a word twice.")
        return cls(words, tuple(count for _, count in entries), folded, segmenter)


def read_header(line: str, path: Path) -> tuple[bool, str]:
    """`folded` and `segmenter` of a vocabulary whose first line this is.

    Raises:
        UserError: it is a header of a kind that this version does not know.
    """
    if not line.startswith("#"):
        return False, ""
    header = _read_header(line)
    if header is None:
        raise UserError(
            f"{path} begins with {line!r}: expected a word, or a header such as {_HEADER!r}. It may"
            " come from a later version; install that one."
        )
    return True, header[1] or ""


def _entry(path: Path, number: int, line: str) -> tuple[str, int]:
    word, tab, count = line.partition("\t")
    is_count = count.isascii() and count.isdecimal() and len(count) < 19  # of 63 bits
    if not (word and tab and is_count):
        raise UserError(
            f"{path}, line {number}: expected a word, a tab and its count, found {line!r}."
        )
    return word, int(count)
