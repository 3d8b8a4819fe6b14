"""gRPC's ModelService: the state of every version, and a new configuration while it runs."""

from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse
from tensorflow_serving.apis.model_management_pb2 import ReloadConfigResponse
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceServicer

from serving.server.grpc_api.rpc import answered
from serving.server.request_log import Ledger
from serving.server.servables.manager import Manager
from serving.server.status import invalid


class ModelService(ModelServiceServicer):
    """Speaks of models; runs none."""

    def __init__(self, manager: Manager, ledger: Ledger):
        self.ledger = ledger
        self._manager = manager

    @answered
    def GetModelStatus(self, request, context, call):
        """Every version of a model, or one."""
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        statuses = self._manager.statuses(request.model_spec)
        return GetModelStatusResponse(model_version_status=statuses)

    @answered
    def HandleReloadConfigRequest(self, request, context, call):
        """Serve what the request's configuration says; answers once it is loaded."""
        self._manager.apply(request.config)
        response = ReloadConfigResponse()
        response.status.error_code = 0
        return response
