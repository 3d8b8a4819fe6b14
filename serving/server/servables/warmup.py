"""Warm-up: requests stored with a model, replayed so that no client waits for a first run."""

import struct
from collections.abc import Iterable
from pathlib import Path

import grpc
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from serving.server.servables.predict import predict
from serving.server.servables.servable import DEFAULT_SIGNATURE, Selection, Servable
from serving.server.status import StatusError

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"
MAX_RECORDS = 1_000  # TensorFlow Serving's limit

_HEADER, _FOOTER = 12, 4  # bytes of a TFRecord: length and its CRC; CRC of the data


def warm_up(servable: Servable, asked: Iterable[Selection] = (), iterations: int = 1) -> int:
    """Replay the model's requests and return their number.

    An error is not caught: a version that cannot answer its own examples must not be served.

    Args:
        servable: The version to warm up.
        asked: What clients have asked of the version that it replaces: made ready as well, and run
            on the stored requests of the same signature.
        iterations: How many times each stored request is replayed.
    """
    requests = list(_requests(servable.path / WARMUP_FILE))
    for request in requests:
        for _ in range(iterations):
            predict(servable, request)
    for selection in asked:
        if servable.prepare(selection):
            _run_selection(servable, selection, requests)
    return len(requests)


def _run_selection(
    servable: Servable, selection: Selection, requests: Iterable[PredictRequest]
) -> None:
    name, outputs = selection
    for request in requests:
        if (request.model_spec.signature_name or DEFAULT_SIGNATURE) == name:
            narrowed = PredictRequest()
            narrowed.CopyFrom(request)
            narrowed.output_filter[:] = outputs
            predict(servable, narrowed)


def _requests(path: Path) -> Iterable[PredictRequest]:
    """The requests of a warm-up file; none where there is no file. Raises DATA_LOSS."""
    if not path.is_file():
        return
    _check_complete(path)
    for record in tf.data.TFRecordDataset(str(path)).take(MAX_RECORDS).as_numpy_iterator():
        log = PredictionLog.FromString(record)
        if not log.HasField("predict_log"):
            kind = log.WhichOneof("log_type")
            raise StatusError(
                grpc.StatusCode.UNIMPLEMENTED, f"Unsupported log_type for warmup: {kind}"
            )
        yield log.predict_log.request


def _check_complete(path: Path) -> None:
    """Require whole records: TensorFlow reads the start of a cut one as the end of the file."""
    size, position = path.stat().st_size, 0
    with path.open("rb") as file:
        while position < size or size == 0:
            file.seek(position)
            header = file.read(_HEADER)
            if len(header) < _HEADER:
                raise StatusError(
                    grpc.StatusCode.DATA_LOSS,
                    f"{WARMUP_FILE} is cut off: expected a record at byte {position}, "
                    f"found {size - position} bytes. Export the version again.",
                )
            position += _HEADER + struct.unpack("<Q", header[:8])[0] + _FOOTER
