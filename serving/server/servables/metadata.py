"""The signatures of a model: GetModelMetadata, for gRPC and REST."""

from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataResponse, SignatureDefMap
from tensorflow_serving.apis.model_pb2 import ModelSpec

from serving.server.servables.manager import Manager

SIGNATURE_DEF = "signature_def"


def signatures(manager: Manager, spec: ModelSpec) -> tuple[ModelSpec, SignatureDefMap]:
    """The ModelSpec of the version that `spec` selects, and its signatures. Raises NOT_FOUND."""
    with manager.use(spec) as version:
        resolved = ModelSpec(name=spec.name)
        resolved.version.value = version.number
        return resolved, SignatureDefMap(signature_def=version.servable.signature_defs)


def metadata(manager: Manager, spec: ModelSpec) -> GetModelMetadataResponse:
    """The result of `signatures`, packed as the protocol demands."""
    resolved, definitions = signatures(manager, spec)
    response = GetModelMetadataResponse(model_spec=resolved)
    response.metadata[SIGNATURE_DEF].Pack(definitions)
    return response
