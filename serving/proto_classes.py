"""Protobuf message classes from a table of their fields, for the client and the server.

The generated modules of tensorflow-serving-api import TensorFlow and register its names in the
process, and they lack some of TensorFlow Serving's messages. The classes made here live in a pool
of their own and register nothing. On the wire they are the same as long as the numbers and types of
their fields are, which tests compare with the generated classes.
"""

from collections.abc import Mapping

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2
from google.protobuf.message import Message

Fields = Mapping[str, tuple[int, str]]
"""Field name -> number and kind. A kind is a scalar (`int64`), a message of the same table
(`TensorProto`), one of another package (`.google.protobuf.Any`), or `repeated` or `map` before one
of these. The keys of a map are strings."""

_LIBRARY = (any_pb2.DESCRIPTOR, wrappers_pb2.DESCRIPTOR)


def message_classes(package: str, messages: Mapping[str, Fields]) -> dict[str, type[Message]]:
    """A class for each message of the table, by its name.

    Args:
        package: Protobuf package of the messages.
        messages: The fields of each message.
    """
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{package}.proto",
        package=package,
        syntax="proto3",
        dependency=[library.name for library in _LIBRARY],
    )
    for name, fields in messages.items():
        _describe_message(file, name, fields)
    pool = descriptor_pool.DescriptorPool()
    for library in _LIBRARY:
        pool.AddSerializedFile(library.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))
        for name in messages
    }


def _describe_message(file: descriptor_pb2.FileDescriptorProto, name: str, fields: Fields) -> None:
    message = file.message_type.add(name=name)
    for field_name, (number, kind) in fields.items():
        form, _, value = kind.rpartition(" ")
        if form == "map":
            value = _describe_entry(message, file.package, field_name, value)
        _add_field(message, file.package, field_name, number, value, repeated=bool(form))


def _describe_entry(
    message: descriptor_pb2.DescriptorProto, package: str, field_name: str, value: str
) -> str:
    """Adds the message of a map's key and value, and returns its name as a kind.

    On the wire a map is a repeated field of such entries.
    """
    name = field_name.title().replace("_", "") + "Entry"  # the name that protoc gives it
    entry = message.nested_type.add(name=name, options={"map_entry": True})
    _add_field(entry, package, "key", 1, "string")
    _add_field(entry, package, "value", 2, value)
    return f".{package}.{message.name}.{name}"


def _add_field(
    message: descriptor_pb2.DescriptorProto,
    package: str,
    name: str,
    number: int,
    kind: str,
    repeated: bool = False,
) -> None:
    field = message.field.add(name=name, number=number)
    field.label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
    if kind.startswith(".") or not kind.islower():
        field.type = field.TYPE_MESSAGE
        field.type_name = kind if kind.startswith(".") else f".{package}.{kind}"
    else:
        field.type = getattr(field, f"TYPE_{kind.upper()}")
