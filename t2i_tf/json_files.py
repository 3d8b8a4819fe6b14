"""JSON files: read with a schema, with errors that name path and types, and written atomically."""

import codecs
from pathlib import Path
from typing import TypeVar

import msgspec

from t2i_tf.errors import UserError
from t2i_tf.files import write_atomically

Schema = TypeVar("Schema")


def read_text_bytes(path: Path) -> bytes:
    """The bytes of a text file, without the byte order mark that some editors write first.

    Raises:
        UserError: the file is missing, empty or not UTF-8.
    """
    try:
        data = path.read_bytes()
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: expected UTF-8 text, found byte 0x{data[error.start]:02x} at offset"
            f" {error.start}. Save the file as UTF-8."
        ) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}.") from None
    if not data.removeprefix(codecs.BOM_UTF8).strip():
        raise UserError(f"{path}: the file is empty.")
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


def read_json(path: Path, schema: type[Schema]) -> Schema:
    """A JSON file as a value of `schema`.

    Raises:
        UserError: the file is missing, empty, not UTF-8, not JSON or does not match the schema.
    """
    return decode_json(read_text_bytes(path), schema, str(path))


def write_json(path: Path, value: object) -> None:
    """Write a value as indented JSON, atomically."""
    text = msgspec.json.format(msgspec.json.encode(value)) + b"\n"
    write_atomically(path, lambda file: file.write(text))
