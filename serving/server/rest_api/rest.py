"""The REST side: TensorFlow Serving's paths, as a Starlette application."""

import asyncio
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse
from tensorflow_serving.apis.model_pb2 import ModelSpec

from serving.server.grpc_api.rpc import not_implemented
from serving.server.request_log import Call, Ledger
from serving.server.rest_api import json_predict
from serving.server.servables.manager import Manager
from serving.server.servables.metadata import SIGNATURE_DEF, signatures
from serving.server.status import Failure, invalid

_PATH = re.compile(
    r"/v1/models/(?P<model>[^/:]+)"
    r"(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
    r"(?P<action>/metadata|:predict|:classify|:regress)?"
)
_METHODS = ["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"]
_LARGEST = 2**63 - 1  # a version is an int64

HTTP_STATUS = {
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 503,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}
"""TensorFlow Serving's; every other code is 500."""


class Rest:
    """Requests are read on the event loop and answered on `threads`, within `timeout` seconds."""

    def __init__(
        self,
        manager: Manager,
        ledger: Ledger,
        threads: ThreadPoolExecutor,
        timeout: float,
        max_request_bytes: int,
    ):
        self._manager = manager
        self._ledger = ledger
        self._threads = threads
        self._timeout = timeout
        self._max_request_bytes = max_request_bytes
        self._actions: dict[tuple[str, str | None], tuple[str, Callable]] = {
            ("GET", None): ("GetModelStatus", self._status),
            ("GET", "/metadata"): ("GetModelMetadata", self._metadata),
            ("POST", ":predict"): ("Predict", self._predict),
            ("POST", ":classify"): ("Classify", _classify),
            ("POST", ":regress"): ("Regress", _regress),
        }

    async def answer(self, request: Request) -> Response:
        """Whatever is asked, in JSON."""
        method, path = request.method, request.url.path
        match = _PATH.fullmatch(path)
        api, action = self._actions.get(
            (method, match["action"] if match else ""), ("Malformed", None)
        )
        try:
            with self._ledger.call(api, "REST") as call:
                if match is None or action is None:
                    raise invalid(f"Malformed request: {method} {path}")
                content = await self._content(action, _spec(match), request, call)
        except Failure as failure:
            return error_response(failure)
        return Response(content, media_type="application/json")

    async def _content(
        self, action: Callable, spec: ModelSpec, request: Request, call: Call
    ) -> bytes:
        """Read the request and answer it. Raises DEADLINE_EXCEEDED where that takes too long."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout):
                body = await self._body(request)
                return await loop.run_in_executor(self._threads, action, spec, body, call)
        except TimeoutError as error:
            text = "Timed out waiting for the request or the model"
            raise Failure(grpc.StatusCode.DEADLINE_EXCEEDED, text) from error

    async def _body(self, request: Request) -> bytes:
        """Raises RESOURCE_EXHAUSTED as soon as the body is longer than allowed."""
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > self._max_request_bytes:
                    raise _too_large(self._max_request_bytes)
        except ClientDisconnect as error:
            raise Failure(grpc.StatusCode.CANCELLED, "Cancelled") from error
        return bytes(body)

    def _status(self, spec: ModelSpec, body: bytes, call: Call) -> bytes:
        statuses = self._manager.statuses(spec)
        return _dump(_as_dict(GetModelStatusResponse(model_version_status=statuses)))

    def _metadata(self, spec: ModelSpec, body: bytes, call: Call) -> bytes:
        found, definitions = signatures(self._manager, spec)
        content = {"model_spec": _as_dict(found)}
        return _dump(content | {"metadata": {SIGNATURE_DEF: _as_dict(definitions)}})

    def _predict(self, spec: ModelSpec, body: bytes, call: Call) -> bytes:
        document = json_predict.parse(body)
        with self._manager.use(spec) as version:
            call.model = spec.name
            servable = version.servable
            signature = servable.signature(json_predict.signature_name(document))
            feeds = json_predict.feeds(document, signature)
            with call.running():
                outputs = servable.run(signature, feeds, timeout=self._timeout)
        return _dump(json_predict.reply(outputs, json_predict.is_row_format(document)))


def application(rest: Rest, metrics_path: str, metrics_text: Callable[[], bytes]) -> Starlette:
    """The routes: metrics, if `metrics_path` says where, and everything else."""

    async def metrics(request: Request) -> Response:
        return Response(metrics_text(), media_type="text/plain; version=0.0.4")

    routes = [Route(metrics_path, metrics)] if metrics_path else []
    routes.append(Route("/{path:path}", rest.answer, methods=_METHODS))
    return Starlette(routes=routes, exception_handlers={HTTPException: _refused})


def error_response(failure: Failure) -> Response:
    """`{"error": text}` under the status that TensorFlow Serving gives it."""
    status = HTTP_STATUS.get(failure.code, 500)
    return Response(_dump({"error": failure.text}), status, media_type="application/json")


async def _refused(request: Request, error: HTTPException) -> Response:
    """Starlette's own refusals, such as 405, in the same form."""
    content = _dump({"error": error.detail})
    return Response(content, error.status_code, media_type="application/json")


def _spec(match: re.Match) -> ModelSpec:
    spec = ModelSpec(name=match["model"])
    if match["version"]:
        if len(match["version"]) > 19 or int(match["version"]) > _LARGEST:
            raise invalid(f"Failed to convert version: {match['version']} to numeric.")
        spec.version.value = int(match["version"])
    elif match["label"]:
        spec.version_label = match["label"]
    return spec


def _classify(spec: ModelSpec, body: bytes, call: Call) -> bytes:
    raise not_implemented("Classify")


def _regress(spec: ModelSpec, body: bytes, call: Call) -> bytes:
    raise not_implemented("Regress")


def _too_large(limit: int) -> Failure:
    return Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, f"Request larger than {limit} bytes")


def _as_dict(message) -> dict[str, Any]:
    return MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _dump(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
