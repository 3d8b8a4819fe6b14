"""A signature of a SavedModel: its inputs and outputs, and the checks of a request."""

import struct
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from serving import contract
from serving.server.status import invalid_argument

_MOST_PROMPT_BYTES = 64 * contract.MAX_PROMPT_BYTES
_MOST_PIXELS = 4_096 * 4_096


@dataclass(frozen=True)
class TensorInfo:
    """The tensor of the graph behind an input or output."""

    tensor_name: str
    dtype: tf.DType


@dataclass(frozen=True)
class Signature:
    """Inputs and outputs by name, sorted. The checks raise INVALID_ARGUMENT."""

    name: str
    inputs: dict[str, TensorInfo]
    outputs: dict[str, TensorInfo]

    @classmethod
    def of(cls, name: str, definition: SignatureDef) -> "Signature":
        """The signature that a SavedModel defines under `name`."""
        return cls(name, _tensor_infos(definition.inputs), _tensor_infos(definition.outputs))

    def check_names(self, sent: Collection[str]) -> None:
        """Require every input, and no other."""
        extra, missing = set(sent) - set(self.inputs), set(self.inputs) - set(sent)
        if len(sent) != len(self.inputs):
            raise invalid_argument(
                f"input size does not match signature: {len(sent)}!={len(self.inputs)} "
                f"len({_braced(sent)}) != len({_braced(self.inputs)}). "
                f"Sent extra: {_braced(extra)}. Missing but required: {_braced(missing)}."
            )
        if extra:
            raise invalid_argument(
                f"input tensor alias not found in signature: {min(extra)}. "
                f"Inputs expected to be in the set {_braced(self.inputs)}."
            )

    def check_dtypes(self, feeds: dict[str, np.ndarray]) -> None:
        """Require the dtype of every input. `feeds` has exactly this signature's names."""
        for index, (name, info) in enumerate(self.inputs.items()):
            sent = tf.as_dtype(feeds[name].dtype)
            if sent != info.dtype:
                raise invalid_argument(
                    f"Expects arg[{index}] to be {_cpp_name(info.dtype)} "
                    f"but {_cpp_name(sent)} is provided"
                )

    def check_count(self, name: str, count: int) -> None:
        """Refuse far too many values of an input, before any of them is converted."""
        if count > contract.MAX_ROWS and self._is_of_the_contract:
            raise invalid_argument(
                f"{name}: expected at most {contract.MAX_ROWS} of them, got {count}"
            )

    def check_sizes(self, feeds: dict[str, np.ndarray]) -> None:
        """Refuse captions and images far beyond any limit, before TensorFlow works on them.

        Models state and check limits of their own. This is for those that read a caption before
        they refuse it, or decode an image before they look at its size.
        """
        if not self._is_of_the_contract:
            return
        for name in (contract.PROMPT, contract.INSTEAD_OF):
            for prompt in feeds.get(name, np.empty(0)).ravel():
                if len(prompt) > _MOST_PROMPT_BYTES:
                    raise invalid_argument(
                        f"{name}: expected at most {contract.MAX_PROMPT_BYTES} bytes, "
                        f"got {len(prompt)}"
                    )
        for png in feeds.get(contract.PNG_BYTES_IN, np.empty(0)).ravel():
            width, height = _png_size(png)
            if width * height > _MOST_PIXELS:
                raise invalid_argument(
                    f"{contract.PNG_BYTES_IN}: {height} x {width} pixels are too many"
                )

    @property
    def _is_of_the_contract(self) -> bool:
        defined = contract.SIGNATURES.get(self.name)
        return defined is not None and defined.inputs.keys() == self.inputs.keys()

    def select(self, output_filter: Iterable[str]) -> tuple[str, ...]:
        """The outputs to compute: those that the request names, or all."""
        selected: set[str] = set()
        for name in output_filter:
            if name not in self.outputs:
                raise invalid_argument(
                    f"output tensor alias not found in signature: {name} "
                    f"Outputs expected to be in the set {_braced(self.outputs)}."
                )
            if name in selected:
                raise invalid_argument(f"duplicate output tensor alias: {name}")
            selected.add(name)
        # In the signature's order: requests for the same outputs share a callable and a batch.
        return tuple(name for name in self.outputs if not selected or name in selected)


def _tensor_infos(tensors: dict) -> dict[str, TensorInfo]:
    return {
        name: TensorInfo(tensors[name].name, tf.as_dtype(tensors[name].dtype))
        for name in sorted(tensors)
    }


def _png_size(png: bytes) -> tuple[int, int]:
    """Width and height that the header of a PNG states; 0, 0 where it has none."""
    return struct.unpack(">II", png[16:24]) if png[12:16] == b"IHDR" and len(png) > 24 else (0, 0)


def _braced(names: Collection[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"


def _cpp_name(dtype: tf.DType) -> str:
    """The dtype's name in C++, which TensorFlow Serving's error texts use."""
    return {tf.float32: "float", tf.float64: "double", tf.float16: "half"}.get(dtype, dtype.name)
