"""Requests that are kept with an export, which a server replays before it answers anyone."""

from pathlib import Path

import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

from serving import contract

BATCHES = (1, 8)
PATH = Path("assets.extra") / "tf_serving_warmup_requests"


def write_warmup(folder: Path, prompt: str) -> None:
    """Write a request for each drawing signature and batch size, so that no user waits."""
    path = folder / PATH
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature in (contract.DRAW, contract.DRAW_STEPS):
            for batch in BATCHES:
                writer.write(_log(signature.name, prompt, batch).SerializeToString())


def _log(signature: str, prompt: str, batch: int) -> PredictionLog:
    request = PredictRequest()
    request.model_spec.name = contract.MODEL_NAME
    request.model_spec.signature_name = signature
    inputs = {
        contract.PROMPT: tf.constant([prompt] * batch),
        contract.SEED: tf.range(batch, dtype=tf.int64),
        contract.TEMPERATURE: tf.ones([batch]),
    }
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return PredictionLog(predict_log=PredictLog(request=request))
