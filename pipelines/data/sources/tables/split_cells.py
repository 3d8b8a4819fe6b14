"""The split that a row names: in a column such as `split`, or by flags such as `is_test`.

A cell that names no split is passed on as it is written: it is refused only if splits are obeyed.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pipelines.data.sources.assembly.split_choice import (
    split_named,
    tells_training_apart,
)
from pipelines.data.sources.notes import Notes
from pipelines.data.sources.tables.columns import flag_columns, split_column

SPLITS_BY_CELLS = "The splits are those of the column {}, which is known by its cells"

ANSWERS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "1.0"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "0.0"), False),
}


def column_of_splits(names: Iterable[str], records: Iterable[Mapping[str, Any]]) -> str | None:
    """The first column of which all cells name splits, some that of training and some others.

    Args:
        names: The columns to look at.
        records: The rows, read until it is known that there is none.
    """
    found: dict[str, set[str | None]] = {name: set() for name in names}
    for record in records:
        for name in list(found):
            cell = record.get(name)
            split = split_named(cell) if isinstance(cell, str) else None
            if split is None:
                del found[name]
            else:
                found[name].add(split)
        if not found:
            return None
    return next((name for name, splits in found.items() if tells_training_apart(splits)), None)


def split_in_object(record: Mapping[str, Any], notes: Notes) -> str | None:
    """The split that a JSON object names, by any of its fields that may; None if none does."""
    column, flags = split_column(record), flag_columns(record)
    if column:
        return split_in_cell(record[column])
    if flags:
        notes.say(sentence_on_flags(flags))
    return split_by_flags(record, flags)


def split_in_cell(cell: Any) -> str | None:
    """The split that a cell names, or else its text; None if it is empty."""
    text = "" if cell is None else str(cell).strip()
    return split_named(text) or text or None


def split_by_flags(record: Mapping[str, Any], flags: Mapping[str, str]) -> str | None:
    """The split whose flag says yes, or the one that has none; None if there is no answer.

    Args:
        record: A row.
        flags: The flag's column for each split that has one.
    """
    answers = {}
    for split, column in flags.items():
        cell = record.get(column)
        text = "" if cell is None else str(cell).strip()
        answers[split] = ANSWERS.get(text.lower())
        if text and answers[split] is None:
            return f"{column}: {text}"
    named = [split for split, answer in answers.items() if answer]
    if len(named) > 1:
        return " and ".join(flags[split] for split in named)
    if named or None in answers.values():
        return named[0] if named else None
    return split_without_flag(flags)


def split_without_flag(flags: Mapping[str, str]) -> str | None:
    """The split of a picture for which every flag says no; None if each split has one."""
    without = [split for split in ("train", "test", "val") if split not in flags]
    return without[0] if flags and without else None


def sentence_on_flags(flags: Mapping[str, str]) -> str:
    """Says how flags are read, for the notes."""
    columns = " and ".join(repr(column) for column in flags.values())
    other = split_without_flag(flags)
    beside = f"; a picture of which none says yes is in {other}" * bool(other)
    return f"The splits are those that {columns} say yes to{beside}"
