"""Checks of an export: run before a version appears, and by the command `check`."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from serving import contract
from serving.errors import ServingError
from serving.model_errors import model_error
from serving.server.servables.batching import Arrays
from serving.server.servables.servable import Servable
from serving.server.servables.warmup import warm_up

if TYPE_CHECKING:  # the command `check` runs without the library
    from serving.export.served_module import ServedModule

_TIE = 0.5  # nats, a thousand times what two bounds are rounded by
_PYTHON = ("PyFunc", "EagerPyFunc", "PyFuncStateless", "NumpyFunction")


def check(folder: Path, model: "ServedModule | None" = None) -> list[str]:
    """Check the folder of a version.

    Args:
        folder: Where the SavedModel is.
        model: The module that was exported. If given, the answers of the SavedModel must be equal
            to the module's own, alone and in a batch.

    Returns:
        A sentence for each check that passed.

    Raises:
        ServingError: a check fails.
    """
    folder = Path(folder)
    if not (folder / "saved_model.pb").is_file():
        raise ServingError(
            f"{folder} is not a SavedModel: it has no saved_model.pb. Expected the folder of a "
            "version, such as models/t2i/1."
        )
    graph = _graph(folder)
    passed = [_only_core_operations(folder, graph), _no_xla(folder, graph)]
    try:
        servable = Servable(folder)
    except (tf.errors.OpError, OSError, ValueError) as error:
        raise ServingError(
            f"{folder} does not load in a Session: {model_error(str(error))}"
        ) from None
    try:
        passed += [_signatures(folder, servable), _warm(folder, servable)]
        if model:
            passed.append(check_answers(folder, servable, model))
    finally:
        servable.close()
    return passed


def _graph(folder: Path) -> GraphDef:
    try:
        saved = SavedModel.FromString((folder / "saved_model.pb").read_bytes())
        return saved.meta_graphs[0].graph_def
    except (DecodeError, IndexError) as error:
        raise ServingError(
            f"{folder / 'saved_model.pb'} is damaged: it holds no graph. Export the model again."
        ) from error


def _nodes(graph: GraphDef) -> Iterator:
    """Every node of the graph and of its functions."""
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def _only_core_operations(folder: Path, graph: GraphDef) -> str:
    from tensorflow.python.framework import op_def_registry

    functions = {function.signature.name for function in graph.library.function}
    for node in _nodes(graph):
        if node.op in _PYTHON:
            raise ServingError(
                f"{folder} calls Python ({node.op} {node.name}), which no server can run."
            )
        # A node that calls a function has its name as the operation.
        if node.op not in functions and op_def_registry.get(node.op) is None:
            raise ServingError(
                f"{folder} needs the operation {node.op}, which is not TensorFlow's own."
            )
    return "only operations that TensorFlow itself registers, and none that calls Python"


def _no_xla(folder: Path, graph: GraphDef) -> str:
    for holder in (*_nodes(graph), *graph.library.function):
        if "_XlaMustCompile" in holder.attr and holder.attr["_XlaMustCompile"].b:
            raise ServingError(f"{folder} demands XLA, which TensorFlow Serving does not enable.")
    return "nothing that must be compiled by XLA"


def _signatures(folder: Path, servable: Servable) -> str:
    found = servable.signature_defs
    if not any(all(one.name in found for one in kind) for kind in contract.KINDS):
        kinds = " or ".join(" and ".join(one.name for one in kind) for kind in contract.KINDS)
        raise ServingError(f"{folder} has the signatures {sorted(found)}. Expected {kinds}.")
    for name in found.keys() & contract.SIGNATURES.keys():
        expected = contract.SIGNATURES[name]
        inputs, outputs = found[name].inputs, found[name].outputs
        _check_tensors(folder, f"{name}, input", expected.inputs, {}, inputs)
        _check_tensors(folder, f"{name}, output", expected.outputs, expected.optional, outputs)
    return "the contract's signatures, with the batch as dimension 0 everywhere"


def _check_tensors(folder: Path, where: str, required: dict, optional: dict, found) -> None:
    if not required.keys() <= set(found) <= required.keys() | optional.keys():
        raise ServingError(
            f"{folder}, {where}s: expected {sorted(required)}, found {sorted(found)}."
        )
    for name, tensor in (required | optional).items():
        if name in found:
            _check_tensor(folder, f"{where} {name!r}", tensor, found[name])


def _check_tensor(folder: Path, where: str, expected: contract.Tensor, found) -> None:
    dtype = tf.dtypes.as_dtype(found.dtype).name
    sizes = [dimension.size for dimension in found.tensor_shape.dim]
    if dtype != expected.dtype:
        raise ServingError(f"{folder}, {where}: expected {expected.dtype}, found {dtype}.")
    if len(sizes) != expected.shape.count(",") + 1 or sizes[0] != -1:  # -1: of any size
        raise ServingError(
            f"{folder}, {where}: expected the shape {expected.shape}, found {sizes}."
        )


def _warm(folder: Path, servable: Servable) -> str:
    try:
        count = warm_up(servable)
    except Exception as error:  # any error here would make a server refuse the version
        reason = model_error(str(error))
        raise ServingError(f"{folder}: a warm-up request fails: {reason}") from None
    return f"{count} warm-up requests are answered"


def check_answers(folder: Path, servable: Servable, model: "ServedModule") -> str:
    """Check that a loaded export answers as the module does. Raises ServingError."""
    for signature, method in model.methods.items():
        request = model.examples(signature)
        expected = _answer(method, request)
        found = {
            "in a batch": _ask(servable, signature, request),
            "alone": _joined(_ask(servable, signature, row) for row in _rows(request)),
        }
        for how, answer in found.items():
            if name := _difference(expected, answer):
                raise ServingError(
                    f"{folder}, {signature.name}, {how}: {name} differs from the model's own "
                    f"answer{_why(method, request, expected)}."
                )
    return "answers are the model's own, alone and in a batch"


def _why(method: Callable, request: Arrays, expected: Arrays) -> str:
    """What a difference is due to, where it is not the export but the model's weights."""
    alone = _joined(_answer(method, row) for row in _rows(request))
    if not _difference(expected, alone):
        return ""
    return (
        ", which itself is another in a batch than alone: with these weights, untrained or "
        "diverged in training, roundings grow from step to step. Export another checkpoint"
    )


def _answer(method: Callable, request: Arrays) -> Arrays:
    inputs = {name: tf.constant(values) for name, values in request.items()}
    return {name: output.numpy() for name, output in method(**inputs).items()}


def _rows(request: Arrays) -> list[Arrays]:
    """The requests for each row alone."""
    count = len(next(iter(request.values())))
    return [{name: array[i : i + 1] for name, array in request.items()} for i in range(count)]


def _joined(answers: Iterable[Arrays]) -> Arrays:
    answers = list(answers)
    return {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}


def _ask(servable: Servable, signature: contract.Signature, request: Arrays) -> Arrays:
    return servable.run(servable.signature(signature.name), request)


def _difference(expected: Arrays, found: Arrays) -> str | None:
    """The first output that is not the same."""
    rows = _same_choice(expected, found)
    for name in expected:
        if not _equal(name, expected[name][rows], found[name][rows]):
            return name
    return None


def _same_choice(expected: Arrays, found: Arrays) -> np.ndarray:
    """The rows that show the same drawing, bool [B]: all, but for ties of the best of several.

    Of two drawings that fit as well, to within a rounding, either may be chosen.
    """
    if contract.CHOSEN_SEED not in expected:
        return np.ones(len(next(iter(expected.values()))), bool)
    same = expected[contract.CHOSEN_SEED] == found[contract.CHOSEN_SEED]
    return same | ~np.isclose(expected[contract.GAIN], found[contract.GAIN], rtol=0, atol=_TIE)


def _equal(name: str, expected: np.ndarray, found: np.ndarray) -> bool:
    if name.endswith("_bytes"):
        expected, found = _decoded(expected), _decoded(found)
    if expected.dtype == np.uint8:
        # Products of another shape may be summed in another order, and a pixel round otherwise.
        return bool((np.abs(expected.astype(int) - found.astype(int)) <= 1).all())
    if name == contract.GAIN:  # a small difference of two large sums
        return np.allclose(expected, found, rtol=0, atol=_TIE)
    if expected.dtype == np.float32:
        return np.allclose(expected, found, rtol=1e-3, atol=1e-3)
    return np.array_equal(expected, found)


def _decoded(pngs: np.ndarray) -> np.ndarray:
    if not len(pngs):
        return np.zeros(0, np.uint8)
    return np.stack([tf.io.decode_png(png).numpy() for png in pngs])
