"""Text protos on disk to messages; what is wrong in one is told with its file and line."""

from pathlib import Path
from typing import TypeVar

from google.protobuf import text_format
from google.protobuf.message import Message

AnyMessage = TypeVar("AnyMessage", bound=Message)


class ConfigError(Exception):
    """A flag or configuration file that the server cannot start with. The command exits with 1."""


def read_text_proto(path: str, message: AnyMessage) -> AnyMessage:
    """The message that the text proto at `path` holds. Raises ConfigError."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"Cannot read {path}: {_reason(error)}") from error
    try:
        return text_format.Parse(text, message)
    except text_format.ParseError as error:
        name = message.DESCRIPTOR.name
        raise ConfigError(f"{path} is no text proto of {name}: {error}") from error


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
