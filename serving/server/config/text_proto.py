"""Text protos on disk to messages; errors name the file and the line."""

from pathlib import Path
from typing import TypeVar

from google.protobuf import text_format
from google.protobuf.message import Message

AnyMessage = TypeVar("AnyMessage", bound=Message)


class ConfigError(Exception):
    """A flag or configuration file that the server cannot start with. The command exits with 1."""


def read_text_proto(path: str, message: AnyMessage) -> AnyMessage:
    """Fill `message` from the text proto at `path`, and return it. Raises ConfigError."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"Cannot read {path}: {reason}") from error
    try:
        return text_format.Parse(text, message)
    except text_format.ParseError as error:
        # The words of protobuf in C++, which scripts around TensorFlow Serving look for in the log.
        name = message.DESCRIPTOR.full_name
        raise ConfigError(f"{path}: Error parsing text-format {name}: {error}") from error
