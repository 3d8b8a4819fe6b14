"""gRPC's PredictionService: Predict and GetModelMetadata."""

from tensorflow_serving.apis.predict_pb2 import PredictResponse
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceServicer

from serving.server.grpc_api.rpc import answered, named_spec, seconds_left, unimplemented
from serving.server.request_log import Ledger
from serving.server.servables.manager import Manager
from serving.server.servables.metadata import SIGNATURE_DEF, metadata
from serving.server.servables.predict import predict
from serving.server.servables.tensors import to_proto
from serving.server.status import invalid


class PredictionService(PredictionServiceServicer):
    """`packed`: numbers as tensor_content; without it in `*_val` fields, as TensorFlow Serving."""

    def __init__(self, manager: Manager, ledger: Ledger, packed: bool = False):
        self.ledger = ledger
        self._manager = manager
        self._packed = packed

    @answered
    def Predict(self, request, context, call):
        """Run one signature."""
        spec = named_spec(request)
        with self._manager.use(spec) as version:
            call.model = spec.name
            with call.running():
                signature, outputs = predict(version.servable, request, seconds_left(context))
        response = PredictResponse()
        response.model_spec.name = spec.name
        response.model_spec.version.value = version.number
        response.model_spec.signature_name = signature.name
        for name, array in outputs.items():
            response.outputs[name].CopyFrom(to_proto(array, self._packed))
        return response

    @answered
    def GetModelMetadata(self, request, context, call):
        """The signatures of a model."""
        spec = named_spec(request)
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != SIGNATURE_DEF:
                raise invalid(f"Metadata field {field} is not supported")
        return metadata(self._manager, spec)

    Classify = unimplemented("Classify")
    Regress = unimplemented("Regress")
    MultiInference = unimplemented("MultiInference")
