"""Warm-up requests: stored with an export, replayed by a server before it answers clients."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

from serving import contract
from serving.server.servables.warmup import WARMUP_FILE

ROWS = (1, 8)  # of a request by itself, and of a batch


def write_warmup(
    folder: Path, requests: Mapping[contract.Signature, Mapping[str, np.ndarray]]
) -> None:
    """Write two requests for each signature, one alone and one in a batch.

    Where gRPC clients select among the outputs, there are two more for each selection: the first
    request of one takes a server seconds. REST cannot select.

    Args:
        folder: Folder of the version.
        requests: For each signature its inputs, with at least as many rows as the largest batch.
    """
    path = folder / WARMUP_FILE
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in requests.items():
            for outputs, rows in itertools.product(((), *signature.selections), ROWS):
                batch = {name: values[:rows] for name, values in inputs.items()}
                writer.write(_log(signature.name, batch, outputs).SerializeToString())


def _log(signature: str, inputs: Mapping[str, np.ndarray], outputs: Sequence[str]) -> PredictionLog:
    request = PredictRequest(output_filter=outputs)
    request.model_spec.name = contract.MODEL_NAME
    request.model_spec.signature_name = signature
    for name, values in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return PredictionLog(predict_log=PredictLog(request=request))
