"""gRPC's PredictionService: Predict and GetModelMetadata."""

from tensorflow_serving.apis.predict_pb2 import PredictResponse
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceServicer

from serving.server.grpc_api.rpc import (
    named_spec,
    rpc_method,
    seconds_left,
    unimplemented_method,
)
from serving.server.request_log import RequestLog
from serving.server.servables.manager import Manager
from serving.server.servables.metadata import SIGNATURE_DEF, metadata
from serving.server.servables.predict import predict
from serving.server.servables.tensors import to_proto
from serving.server.status import invalid_argument


class PredictionService(PredictionServiceServicer):
    """Runs models, and returns their signatures.

    Args:
        manager: The served models.
        request_log: Where requests are recorded.
        packed: Whether answers hold numbers in `tensor_content`, and not, as TensorFlow Serving's
            do, in `*_val` fields.
    """

    def __init__(self, manager: Manager, request_log: RequestLog, packed: bool = False):
        self.request_log = request_log
        self._manager = manager
        self._packed = packed

    @rpc_method
    def Predict(self, request, context, record):
        """Run one signature."""
        spec = named_spec(request)
        with self._manager.use(spec) as version:
            record.model = spec.name
            with record.time_model():
                left = seconds_left(context)
                signature, outputs = predict(version.servable, request, left, context.add_callback)
        response = PredictResponse()
        response.model_spec.name = spec.name
        response.model_spec.version.value = version.number
        response.model_spec.signature_name = signature.name
        for name, array in outputs.items():
            response.outputs[name].CopyFrom(to_proto(array, self._packed))
        return response

    @rpc_method
    def GetModelMetadata(self, request, context, record):
        """The signatures of a model."""
        spec = named_spec(request)
        if not request.metadata_field:
            raise invalid_argument(
                "GetModelMetadataRequest must specify at least one metadata_field"
            )
        for field in request.metadata_field:
            if field != SIGNATURE_DEF:
                raise invalid_argument(f"Metadata field {field} is not supported")
        return metadata(self._manager, spec)

    Classify = unimplemented_method("Classify")
    Regress = unimplemented_method("Regress")
    MultiInference = unimplemented_method("MultiInference")
