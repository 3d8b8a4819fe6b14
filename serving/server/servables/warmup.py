"""Warm-up: requests stored with a model, replayed so that no client waits for a first run."""

import grpc
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from serving.server.servables.predict import predict
from serving.server.servables.servable import Servable
from serving.server.status import StatusError

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"
MAX_RECORDS = 1_000  # TensorFlow Serving's limit


def warm_up(servable: Servable) -> int:
    """Replay the model's requests and return their number.

    An error is not caught: a version that cannot answer its own examples must not be served.
    """
    path = servable.path / WARMUP_FILE
    if not path.is_file():
        return 0
    count = 0
    for record in tf.data.TFRecordDataset(str(path)).take(MAX_RECORDS).as_numpy_iterator():
        _replay(servable, PredictionLog.FromString(record))
        count += 1
    return count


def _replay(servable: Servable, log: PredictionLog) -> None:
    if not log.HasField("predict_log"):
        kind = log.WhichOneof("log_type")
        raise StatusError(grpc.StatusCode.UNIMPLEMENTED, f"Unsupported log_type for warmup: {kind}")
    predict(servable, log.predict_log.request)
