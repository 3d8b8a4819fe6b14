"""A PredictRequest, answered by a servable: shared by gRPC and warm-up."""

import numpy as np
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from serving.server.servables.batching import OnEnd
from serving.server.servables.servable import Servable
from serving.server.servables.signature import Signature
from serving.server.servables.tensors import to_array, value_count


def predict(
    servable: Servable,
    request: PredictRequest,
    timeout: float | None = None,
    on_end: OnEnd | None = None,
) -> tuple[Signature, dict[str, np.ndarray]]:
    """The signature that was called, and its outputs.

    Args:
        servable: The version to run.
        request: A request for it.
        timeout: Seconds that the request may wait for a batch.
        on_end: Tells when the client goes away while it waits for one.

    Raises:
        StatusError: the request does not fit the signature.
        OpError: TensorFlow's own error, where the model fails.
    """
    signature = servable.signature(request.model_spec.signature_name)
    signature.check_names(request.inputs)
    for name in signature.inputs:
        signature.check_count(name, value_count(request.inputs[name]))
    feeds = {name: to_array(name, request.inputs[name]) for name in signature.inputs}
    return signature, servable.run(signature, feeds, request.output_filter, timeout, on_end)
