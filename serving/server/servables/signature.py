"""One signature of a SavedModel: the inputs it needs, their dtypes, and the outputs it gives."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from serving.server.status import invalid


@dataclass(frozen=True)
class Port:
    """Where an input or output meets the graph."""

    tensor_name: str
    dtype: tf.DType


@dataclass(frozen=True)
class Signature:
    """Inputs and outputs by name, in sorted order. The checks raise INVALID_ARGUMENT."""

    name: str
    inputs: dict[str, Port]
    outputs: dict[str, Port]

    @classmethod
    def of(cls, name: str, definition: SignatureDef) -> "Signature":
        """From the SavedModel's own record."""
        return cls(name, _ports(definition.inputs), _ports(definition.outputs))

    def check_names(self, sent: Collection[str]) -> None:
        """All inputs, and no other, must have been sent."""
        extra, missing = set(sent) - set(self.inputs), set(self.inputs) - set(sent)
        if len(sent) != len(self.inputs):
            raise invalid(
                f"input size does not match signature: {len(sent)}!={len(self.inputs)} "
                f"len({_braced(sent)}) != len({_braced(self.inputs)}). "
                f"Sent extra: {_braced(extra)}. Missing but required: {_braced(missing)}."
            )
        if extra:
            raise invalid(
                f"input tensor alias not found in signature: {min(extra)}. "
                f"Inputs expected to be in the set {_braced(self.inputs)}."
            )

    def check_dtypes(self, feeds: dict[str, np.ndarray]) -> None:
        """Every array must have its input's dtype. `feeds` has exactly this signature's names."""
        for index, (name, port) in enumerate(self.inputs.items()):
            sent = tf.as_dtype(feeds[name].dtype)
            if sent != port.dtype:
                raise invalid(
                    f"Expects arg[{index}] to be {_cpp_name(port.dtype)} "
                    f"but {_cpp_name(sent)} is provided"
                )

    def select(self, output_filter: Iterable[str]) -> tuple[str, ...]:
        """The outputs to compute: those asked for, or all."""
        chosen: set[str] = set()
        for name in output_filter:
            if name not in self.outputs:
                raise invalid(
                    f"output tensor alias not found in signature: {name} "
                    f"Outputs expected to be in the set {_braced(self.outputs)}."
                )
            if name in chosen:
                raise invalid(f"duplicate output tensor alias: {name}")
            chosen.add(name)
        return tuple(name for name in self.outputs if not chosen or name in chosen)


def _ports(tensors: dict) -> dict[str, Port]:
    return {
        name: Port(tensors[name].name, tf.as_dtype(tensors[name].dtype)) for name in sorted(tensors)
    }


def _braced(names: Collection[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"


def _cpp_name(dtype: tf.DType) -> str:
    """TensorFlow's C++ names, which its error texts use."""
    return {tf.float32: "float", tf.float64: "double", tf.float16: "half"}.get(dtype, dtype.name)
