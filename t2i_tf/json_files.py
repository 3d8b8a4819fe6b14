"""JSON files: read with a schema, with errors that name path and types, and written atomically."""

import codecs
from pathlib import Path
from typing import TypeVar

import msgspec

from t2i_tf.errors import UserError
from t2i_tf.files import write_atomically

Schema = TypeVar("Schema")


def read_text_bytes(path: Path) -> bytes:
    """The text of a file as UTF-8, without the byte order mark that some editors write first.

    Raises:
        UserError: the file is missing, empty or not UTF-8.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}.") from None
    text = as_utf8(data, str(path))
    if not text.strip():
        raise UserError(f"{path}: the file is empty.")
    return text


def as_utf8(data: bytes, where: str) -> bytes:
    """Text as UTF-8 without a byte order mark; by their marks, UTF-16 and UTF-32 are converted.

    Args:
        data: UTF-8, or with a mark UTF-32 or UTF-16, which spreadsheets write as "Unicode text".
        where: Place of the text, for errors.

    Raises:
        UserError: it is neither.
    """
    try:
        if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
            return data.decode("utf-32").encode()
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return data.decode("utf-16").encode()
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{where}: expected UTF-8 text, found byte 0x{data[error.start]:02x} at offset"
            f" {error.start}. Save the file as UTF-8."
        ) from None
    if b"\0" in data[:2]:
        raise UserError(
            f"{where}: expected UTF-8 text, found UTF-16 or UTF-32 without a byte order mark. Save"
            " the file as UTF-8."
        )
    return data.removeprefix(codecs.BOM_UTF8)


def decode_json(data: bytes, schema: type[Schema], where: str) -> Schema:
    """JSON text as a value of `schema`; error messages begin with `where`.

    Raises:
        UserError: the text is not JSON or does not match the schema.
    """
    try:
        return msgspec.json.decode(data, type=schema)
    except msgspec.ValidationError as error:  # "Expected `int`, got `str` - at `$.images[0].id`"
        raise UserError(f"{where}: wrong schema: {error}.") from None
    except msgspec.DecodeError as error:
        raise UserError(f"{where}: not JSON: {error}.") from None


def read_json(path: Path, schema: type[Schema], remedy: str = "") -> Schema:
    """A JSON file as a value of `schema`.

    Args:
        path: the file.
        schema: type of the value.
        remedy: a sentence on what to do, which ends the error; needed for a file of our own.

    Raises:
        UserError: the file is missing, empty, not UTF-8, not JSON or does not match the schema.
    """
    try:
        return decode_json(read_text_bytes(path), schema, str(path))
    except UserError as error:
        raise UserError(f"{error} {remedy}".rstrip()) from None


def write_json(path: Path, value: object) -> None:
    """Write a value as indented JSON, atomically."""
    text = msgspec.json.format(msgspec.json.encode(value)) + b"\n"
    write_atomically(path, lambda file: file.write(text))
