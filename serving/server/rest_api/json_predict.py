"""REST's predict requests and replies, by row (`instances`) or by column (`inputs`)."""

import json
from typing import Any

import numpy as np

from serving.server.rest_api.json_tensors import is_base64, shown, to_array, to_json
from serving.server.servables.signature import Signature
from serving.server.status import invalid_argument


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object of a request. Raises INVALID_ARGUMENT."""
    if not body:
        raise invalid_argument("JSON Parse error: The document is empty")
    try:
        document = json.loads(body)
    except json.JSONDecodeError as error:
        raise invalid_argument(f"JSON Parse error: {error.msg} at offset: {error.pos}") from error
    except UnicodeDecodeError as error:
        raise invalid_argument(f"JSON Parse error: not UTF-8 at offset: {error.start}") from error
    except (RecursionError, ValueError) as error:
        raise invalid_argument(
            "JSON Parse error: a value is nested too deeply or too long"
        ) from error
    if not isinstance(document, dict):
        raise invalid_argument(f"{shown(document)} Is not object")
    return document


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
    signature.check_names(columns)
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
        if row.keys() != rows[0].keys():
            raise invalid_argument(
                f"Failed to process element: {index} of 'instances' list. "
                f"JSON object: keys must be equal to: {','.join(signature.inputs)}"
            )
    return {name: [row[name] for row in rows] for name in rows[0]}


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
