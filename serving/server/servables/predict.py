"""A PredictRequest, answered by a servable: what gRPC and warm-up share."""

import numpy as np
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from serving.server.servables.servable import Servable
from serving.server.servables.signature import Signature
from serving.server.servables.tensors import to_array


def predict(
    servable: Servable, request: PredictRequest, timeout: float | None = None
) -> tuple[Signature, dict[str, np.ndarray]]:
    """The signature that was called and its outputs. Raises Failure or TensorFlow's own error."""
    signature = servable.signature(request.model_spec.signature_name)
    signature.check_names(request.inputs)
    feeds = {name: to_array(name, request.inputs[name]) for name in signature.inputs}
    return signature, servable.run(signature, feeds, request.output_filter, timeout)
