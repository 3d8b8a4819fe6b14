"""gRPC's ModelService: the state of every version, and a new configuration at run time."""

from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse
from tensorflow_serving.apis.model_management_pb2 import ReloadConfigResponse
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceServicer

from serving.server.grpc_api.rpc import rpc_method
from serving.server.request_log import RequestLog
from serving.server.servables.manager import Manager
from serving.server.status import invalid_argument


class ModelService(ModelServiceServicer):
    """Answers requests about models; runs none."""

    def __init__(self, manager: Manager, request_log: RequestLog):
        self.request_log = request_log
        self._manager = manager

    @rpc_method
    def GetModelStatus(self, request, context, record):
        """The states of every version of a model, or of one."""
        if not request.HasField("model_spec"):
            raise invalid_argument("Missing ModelSpec")
        statuses = self._manager.statuses(request.model_spec)
        return GetModelStatusResponse(model_version_status=statuses)

    @rpc_method
    def HandleReloadConfigRequest(self, request, context, record):
        """Apply the request's configuration; answers once its models are loaded."""
        self._manager.apply(request.config)
        response = ReloadConfigResponse()
        # An error ends the call with its own status; set, the field is present in the answer.
        response.status.error_code = 0
        return response
