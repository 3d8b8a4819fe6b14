"""Requests that are kept with an export, which a server replays before it answers anyone."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

from serving import contract

ROWS = (1, 8)
PATH = Path("assets.extra") / "tf_serving_warmup_requests"


def write_warmup(
    folder: Path, requests: Mapping[contract.Signature, Mapping[str, np.ndarray]]
) -> None:
    """Write requests for each signature, alone and in a batch, so that no user waits.

    Args:
        folder: of the version.
        requests: for each signature its inputs, of several rows.
    """
    path = folder / PATH
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in requests.items():
            for rows in ROWS:
                some = {name: values[:rows] for name, values in inputs.items()}
                writer.write(_log(signature.name, some).SerializeToString())


def _log(signature: str, inputs: Mapping[str, np.ndarray]) -> PredictionLog:
    request = PredictRequest()
    request.model_spec.name = contract.MODEL_NAME
    request.model_spec.signature_name = signature
    for name, values in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return PredictionLog(predict_log=PredictLog(request=request))
