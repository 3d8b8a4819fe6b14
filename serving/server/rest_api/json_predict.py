"""REST's predict requests and replies, by row (`instances`) or by column (`inputs`)."""

import json
from typing import Any

import numpy as np
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from serving.server.rest_api.json_tensors import is_base64, shown, to_array, to_json
from serving.server.servables.signature import Signature
from serving.server.status import invalid_argument

_EXTRA_TEXT = "The document root must not be followed by other values."
MAX_VALUES = 4_000_000
"""Most values of a request, counted roughly: as the characters that separate them."""


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object of a request. Raises INVALID_ARGUMENT."""
    if not body:
        raise invalid_argument("JSON Parse error: The document is empty")
    _check_value_count(body)
    try:
        document = json.loads(body)
    except json.JSONDecodeError as error:
        message = error.msg.replace("Extra data", _EXTRA_TEXT)
        raise invalid_argument(f"JSON Parse error: {message} at offset: {error.pos}") from error
    except UnicodeDecodeError as error:
        raise invalid_argument(f"JSON Parse error: not UTF-8 at offset: {error.start}") from error
    except (RecursionError, ValueError) as error:
        raise invalid_argument(
            "JSON Parse error: a value is nested too deeply or too long"
        ) from error
    if not isinstance(document, dict):
        raise invalid_argument(f"{shown(document)} Is not object")
    return document


def _check_value_count(body: bytes) -> None:
    """Refuse a body that would keep Python busy for long, in which nobody else is answered."""
    count = body.count(b",") + body.count(b"[") + body.count(b"{")
    if count > MAX_VALUES:
        raise invalid_argument(
            f"Expected at most {MAX_VALUES} commas and opening brackets in JSON, got {count}. "
            "Send fewer values in a request, or use gRPC."
        )


def signature_name(document: dict[str, Any]) -> str:
    """The signature that the request asks for; empty for the default one."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid_argument(
            f"{shown(name)} not formatted correctly. 'signature_name' key must be a string value."
        )
    return name


def is_row_format(document: dict[str, Any]) -> bool:
    """Whether tensors come by row, in `instances`, and not by column, in `inputs`."""
    rows, columns = "instances" in document, "inputs" in document
    if rows and columns:
        raise invalid_argument(
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist"
        )
    if not rows and not columns:
        raise invalid_argument("Missing 'inputs' or 'instances' key")
    return rows


def feeds(document: dict[str, Any], signature: Signature) -> dict[str, np.ndarray]:
    """The arrays of the signature's inputs. Raises INVALID_ARGUMENT."""
    if is_row_format(document):
        columns = _columns_of_rows(document["instances"], signature)
    else:
        columns = _named(document["inputs"], signature, "inputs is a plain value/list, but")
        for name in signature.inputs:  # those that the signature has not are ignored
            if name not in columns:
                raise invalid_argument(f"Missing named input: {name} in 'inputs' object.")
    for name in signature.inputs:
        if isinstance(columns[name], list):
            signature.check_count(name, len(columns[name]))
    return {name: to_array(columns[name], port.dtype) for name, port in signature.inputs.items()}


def _columns_of_rows(rows: Any, signature: Signature) -> dict[str, Any]:
    if not isinstance(rows, list):
        raise invalid_argument(f"{shown(rows)} Expecting 'instances' to be an list/array")
    if not rows:
        raise invalid_argument("No values in 'instances' array")
    if not _is_object(rows[0]):
        return _named(rows, signature, "instances is a plain list, but")
    for index, row in enumerate(rows):
        if not _is_object(row):
            raise invalid_argument(f"Expecting object but got list at item {index} of input list")
        _check_keys(row, index, signature)
    return {name: [row[name] for row in rows] for name in signature.inputs}


def _check_keys(row: dict[str, Any], index: int, signature: Signature) -> None:
    """Require every input, and no other."""
    for name in row:
        if name not in signature.inputs:
            raise invalid_argument(
                f"Failed to process element: {index} key: {name} of 'instances' list. "
                f"Error: JSON object: does not have named input: {name}"
            )
    if len(row) != len(signature.inputs):
        raise invalid_argument(
            f"Failed to process element: {index} of 'instances' list. "
            f"JSON object: keys must be equal to: {','.join(signature.inputs)}"
        )


def _named(value: Any, signature: Signature, complaint: str) -> dict[str, Any]:
    """Columns by name. A signature of a single input takes a value without its name."""
    if _is_object(value):
        return value
    if len(signature.inputs) != 1:
        raise invalid_argument(f"{complaint} expecting objects as multiple input tensors required")
    return dict.fromkeys(signature.inputs, value)


def _is_object(value: Any) -> bool:
    """Whether it names several tensors; `{"b64": ...}` is a value."""
    return isinstance(value, dict) and not is_base64(value)


def shape_complaint(definition: SignatureDef, feeds: dict[str, np.ndarray]) -> str:
    """The first input that has not the shape of the signature, in a sentence; "" if all have."""
    for name in sorted(feeds):
        shape = definition.inputs[name].tensor_shape
        expected = [dimension.size for dimension in shape.dim]
        found = list(feeds[name].shape)
        if not shape.unknown_rank and not _fits(found, expected):
            return _shape_sentence(name, expected, found)
    return ""


def _fits(found: list[int], expected: list[int]) -> bool:
    return len(found) == len(expected) and all(
        size in (-1, length) for size, length in zip(expected, found, strict=True)
    )


def _shape_sentence(name: str, expected: list[int], found: list[int]) -> str:
    """The shapes, and how to write a single value as the list that is expected.

    >>> _shape_sentence("seed", [-1], [])
    'seed: expected the shape [batch], got a single value. Send a list: "seed": [...]'
    """
    sizes = ["any" if size == -1 else str(size) for size in expected]
    if expected[:1] == [-1]:
        sizes[0] = "batch"
    text = f"{name}: expected the shape [{', '.join(sizes)}], got "
    if found or not expected:
        return f"{text}{found}."
    brackets = "[" * len(expected) + "..." + "]" * len(expected)
    return f'{text}a single value. Send a list: "{name}": {brackets}'


def reply(outputs: dict[str, np.ndarray], rows: bool) -> dict[str, Any]:
    """`predictions` by row, or `outputs` by column; a single output comes without its name."""
    columns = {name: to_json(name, array) for name, array in outputs.items()}
    if rows:
        _check_same_rows(outputs)
    if len(columns) == 1:
        [content] = columns.values()
    else:
        content = _rows_of_columns(columns) if rows else columns
    return {"predictions" if rows else "outputs": content}


def _rows_of_columns(columns: dict[str, list]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _check_same_rows(outputs: dict[str, np.ndarray]) -> None:
    sizes = {array.shape[0] if array.ndim else None for array in outputs.values()}
    if len(sizes) != 1 or None in sizes:
        raise invalid_argument(
            "The outputs have no 0th dimension in common; ask with 'inputs' and not 'instances'"
        )
