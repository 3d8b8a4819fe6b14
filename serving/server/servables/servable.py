"""One loaded version: a SavedModel in a Session, as TensorFlow Serving runs it."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.config_pb2 import CallableOptions, ConfigProto
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from serving.server.config.session_config import memory_as_needed
from serving.server.servables.batching import Arrays, Batcher, OnEnd
from serving.server.servables.batching_options import BatchingOptions
from serving.server.servables.callables import Callables
from serving.server.servables.signature import Signature
from serving.server.status import StatusError

Selection = tuple[str, tuple[str, ...]]
"""The name of a signature, and the outputs of it that a request asks for."""

DEFAULT_SIGNATURE = "serving_default"

_INIT_OP = "__saved_model_init_op"  # listed among the signatures, but not one that clients may call
_MAX_CARRIED = 8  # selections that are prepared in the version that replaces this one
_MAX_CALLABLES = 64  # one for each selection of outputs, which clients choose: so it is bounded


class Servable:
    """A SavedModel that answers requests, from any number of threads.

    Args:
        path: Folder of the version.
        batching: How requests are joined; None runs each by itself.
        tags: Tags of the graph to load.
        config: Options of the Session; TensorFlow's, with GPU memory as needed, by default.

    Raises:
        OpError or OSError: the SavedModel cannot be loaded.
    """

    def __init__(
        self,
        path: Path,
        batching: BatchingOptions | None = None,
        tags: Sequence[str] = ("serve",),
        config: ConfigProto | None = None,
    ):
        self.path = path
        self._session = tf.compat.v1.Session(graph=tf.Graph(), config=config or memory_as_needed())
        with self._session.graph.as_default():
            meta_graph = tf.compat.v1.saved_model.load(self._session, list(tags), str(path))
        self.signature_defs: dict[str, SignatureDef] = dict(meta_graph.signature_def)
        self._signatures = {
            name: Signature.of(name, definition)
            for name, definition in self.signature_defs.items()
            if name != _INIT_OP
        }
        self._callables = Callables(self._make_callable, _MAX_CALLABLES)
        self._batcher = Batcher(self.run_alone, batching) if batching else None

    def signature(self, name: str) -> Signature:
        """The signature of that name, or the default one for "". Raises FAILED_PRECONDITION."""
        name = name or DEFAULT_SIGNATURE
        if name not in self._signatures:
            raise StatusError(
                grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.'
            )
        return self._signatures[name]

    def run(
        self,
        signature: Signature,
        feeds: Arrays,
        output_filter: Iterable[str] = (),
        timeout: float | None = None,
        on_end: OnEnd | None = None,
    ) -> Arrays:
        """The outputs of a request, through a batch where batching is enabled.

        Args:
            signature: The signature to call, one of this servable's.
            feeds: An array for each of its inputs.
            output_filter: Names of the outputs to compute; empty for all.
            timeout: Seconds to wait for a batch. A running Session cannot be stopped.
            on_end: Tells when the client goes away: the request then leaves its batch.

        Raises:
            StatusError: the request does not fit the signature, or found no place in a batch.
            OpError: TensorFlow's own error, where the model fails.
        """
        outputs = signature.select(output_filter)
        signature.check_dtypes(feeds)
        signature.check_sizes(feeds)
        if self._batcher:
            return self._batcher.run(signature, feeds, outputs, timeout, on_end)
        return self.run_alone(signature, feeds, outputs)

    def run_alone(self, signature: Signature, feeds: Arrays, outputs: tuple[str, ...]) -> Arrays:
        """The named outputs, without checks and outside any batch."""
        function = self._callables.get((signature.name, outputs))
        values = function(*(feeds[name] for name in signature.inputs))
        return {name: np.asarray(value) for name, value in zip(outputs, values, strict=True)}

    def selections(self) -> list[Selection]:
        """What requests have asked for lately, the most recent last."""
        return self._callables.keys()[-_MAX_CARRIED:]

    def prepare(self, selection: Selection) -> bool:
        """Make the function of a selection, before a request waits for it.

        Returns:
            False where this model has no such signature or output.
        """
        name, outputs = selection
        if name not in self._signatures or not set(outputs) <= set(self._signatures[name].outputs):
            return False
        self._callables.get(selection)
        return True

    def close(self) -> None:
        """Finish the queued requests and free the Session."""
        if self._batcher:
            self._batcher.close()
        self._callables.clear()  # first: an open Session releases its callables
        self._session.close()

    def _make_callable(self, selection: Selection):
        # A callable feeds arrays straight to the graph. `Session.run` would coerce their dtypes and
        # check their shapes first, which TensorFlow Serving does not.
        signature_name, outputs = selection
        signature = self._signatures[signature_name]
        options = CallableOptions(
            feed=[info.tensor_name for info in signature.inputs.values()],
            fetch=[signature.outputs[name].tensor_name for name in outputs],
        )
        return self._session._make_callable_from_options(options)
