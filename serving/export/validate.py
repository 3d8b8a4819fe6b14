"""What an export must hold before a server sees it; at every export, and as a command."""

from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from serving import contract
from serving.errors import ServingError
from serving.server.servables.servable import Servable
from serving.server.servables.warmup import warm_up

_PYTHON = ("PyFunc", "EagerPyFunc", "PyFuncStateless", "NumpyFunction")


def check(folder: Path) -> list[str]:
    """Check a version's folder; returns what was found to hold, a sentence each.

    Raises:
        ServingError: something does not hold; names it.
    """
    folder = Path(folder)
    if not (folder / "saved_model.pb").is_file():
        raise ServingError(
            f"{folder} is no SavedModel: it has no saved_model.pb. Expected a version's folder."
        )
    functions = _functions(folder)
    held = [_only_core_operations(folder, functions), _no_xla(folder, functions)]
    try:
        servable = Servable(folder)
    except (tf.errors.OpError, OSError, ValueError) as error:
        raise ServingError(f"{folder} does not load in a Session: {error}") from None
    try:
        held += [_signatures(folder, servable), _warm(folder, servable)]
    finally:
        servable.close()
    return held


def _functions(folder: Path) -> dict:
    """Every node of the graph and of its functions, by the function's name."""
    saved = SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    graph = saved.meta_graphs[0].graph_def
    return (
        {"": graph.node}
        | {f.signature.name: f.node_def for f in graph.library.function}
        | {f"{f.signature.name} attributes": [f] for f in graph.library.function}
    )


def _nodes(functions: dict) -> Iterator:
    for name, nodes in functions.items():
        if not name.endswith(" attributes"):
            yield from nodes


def _only_core_operations(folder: Path, functions: dict) -> str:
    from tensorflow.python.framework import op_def_registry

    for node in _nodes(functions):
        if node.op in _PYTHON:
            raise ServingError(
                f"{folder} calls Python ({node.op} {node.name}): no server can run it."
            )
        if node.op not in functions and op_def_registry.get(node.op) is None:
            raise ServingError(
                f"{folder} needs the operation {node.op}, which is not TensorFlow's own."
            )
    return "only operations that TensorFlow itself registers, and none that calls Python"


def _no_xla(folder: Path, functions: dict) -> str:
    holders = [*_nodes(functions)]
    holders += [f[0] for name, f in functions.items() if name.endswith(" attributes")]
    for holder in holders:
        if "_XlaMustCompile" in holder.attr and holder.attr["_XlaMustCompile"].b:
            raise ServingError(f"{folder} demands XLA, which TensorFlow Serving leaves off.")
    return "nothing that must be compiled by XLA"


def _signatures(folder: Path, servable: Servable) -> str:
    found = servable.signature_defs
    if not any(all(one.name in found for one in kind) for kind in contract.KINDS):
        kinds = " or ".join(" and ".join(one.name for one in kind) for kind in contract.KINDS)
        raise ServingError(f"{folder} has the signatures {sorted(found)}. Expected {kinds}.")
    for name in found.keys() & contract.SIGNATURES.keys():
        wanted = contract.SIGNATURES[name]
        _tensors(folder, f"{name}, input", wanted.inputs, {}, found[name].inputs)
        _tensors(folder, f"{name}, output", wanted.outputs, wanted.optional, found[name].outputs)
    return "the contract's signatures, with the batch as dimension 0 everywhere"


def _tensors(folder: Path, where: str, wanted: dict, optional: dict, found) -> None:
    if not wanted.keys() <= set(found) <= wanted.keys() | optional.keys():
        raise ServingError(f"{folder}, {where}s: expected {sorted(wanted)}, found {sorted(found)}.")
    for name, tensor in (wanted | optional).items():
        if name in found:
            _same(folder, f"{where} {name!r}", tensor, found[name])


def _same(folder: Path, where: str, wanted: contract.Tensor, found) -> None:
    dtype = tf.dtypes.as_dtype(found.dtype).name
    sizes = [dimension.size for dimension in found.tensor_shape.dim]
    if dtype != wanted.dtype:
        raise ServingError(f"{folder}, {where}: expected {wanted.dtype}, found {dtype}.")
    if len(sizes) != wanted.shape.count(",") + 1 or sizes[0] != -1:
        raise ServingError(f"{folder}, {where}: expected the shape {wanted.shape}, found {sizes}.")


def _warm(folder: Path, servable: Servable) -> str:
    try:
        count = warm_up(servable)
    except Exception as error:  # whatever a request can raise, the load would fail by it
        raise ServingError(f"{folder}: a warm-up request fails: {error}") from None
    return f"{count} warm-up requests are answered"
