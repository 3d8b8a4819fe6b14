"""What a model's signatures are: GetModelMetadata, for gRPC and REST."""

from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataResponse, SignatureDefMap
from tensorflow_serving.apis.model_pb2 import ModelSpec

from serving.server.servables.manager import Manager

SIGNATURE_DEF = "signature_def"


def signatures(manager: Manager, spec: ModelSpec) -> tuple[ModelSpec, SignatureDefMap]:
    """The version that `spec` means, and its signatures. Raises NOT_FOUND."""
    with manager.use(spec) as version:
        found = ModelSpec(name=spec.name)
        found.version.value = version.number
        return found, SignatureDefMap(signature_def=version.servable.signature_defs)


def metadata(manager: Manager, spec: ModelSpec) -> GetModelMetadataResponse:
    """As `signatures`, packed as the protocol has it."""
    found, definitions = signatures(manager, spec)
    response = GetModelMetadataResponse(model_spec=found)
    response.metadata[SIGNATURE_DEF].Pack(definitions)
    return response
