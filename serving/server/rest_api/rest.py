"""The REST API: TensorFlow Serving's paths, as a Starlette application."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import numpy as np
from google.protobuf.json_format import MessageToDict
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse
from tensorflow_serving.apis.model_pb2 import ModelSpec

from serving.contract import MAX_VERSION
from serving.server.grpc_api.rpc import unimplemented
from serving.server.request_log import RequestLog, RequestRecord
from serving.server.rest_api import json_predict
from serving.server.rest_api.gzip_bodies import accepts_gzip, compressed, inflated, too_large
from serving.server.rest_api.limited_body import limited_body
from serving.server.servables.manager import Manager
from serving.server.servables.metadata import SIGNATURE_DEF, signatures
from serving.server.servables.servable import Servable
from serving.server.status import StatusError, as_status_error, invalid_argument

_PATH = re.compile(
    r"/v1/models/(?P<model>[^/:]+)"
    r"(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
    r"(?P<action>/metadata|:predict|:classify|:regress)?"
)
_METHODS = ["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"]


class Rest:
    """Reads requests on the event loop and answers them on threads.

    Args:
        manager: The served models.
        request_log: Where requests are recorded.
        threads: Where models run, so that the event loop stays free to read other requests.
        timeout: Seconds for reading a request and answering it.
        max_request_bytes: Largest body that is read.
    """

    def __init__(
        self,
        manager: Manager,
        request_log: RequestLog,
        threads: ThreadPoolExecutor,
        timeout: float,
        max_request_bytes: int,
    ):
        self._manager = manager
        self._request_log = request_log
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
        """The JSON answer to any request, an error included."""
        # Not request.url.path, in which a `?` of a model's name would be escaped.
        method, path = request.method, request.scope["path"]
        match = _PATH.fullmatch(path)
        gzipped = accepts_gzip(request.headers.get("accept-encoding", ""))
        api, action = self._actions.get(
            (method, match["action"] if match else ""), ("Malformed", None)
        )
        try:
            with self._request_log.record(api, "REST") as record:
                if not path.startswith("/v1/models"):
                    raise StatusError(grpc.StatusCode.NOT_FOUND, f"Not found: {method} {path}")
                if match is None or action is None:
                    raise invalid_argument(f"Malformed request: {method} {path}")
                content = await self._content(action, _spec(match), request, record, gzipped)
        except StatusError as error:
            return error_response(error)
        headers = {"Vary": "Accept-Encoding"} | ({"Content-Encoding": "gzip"} if gzipped else {})
        return Response(content, media_type="application/json", headers=headers)

    async def _content(
        self,
        action: Callable,
        spec: ModelSpec,
        request: Request,
        record: RequestRecord,
        gzipped: bool,
    ) -> bytes:
        """Read the request and answer it. Raises DEADLINE_EXCEEDED after the timeout."""
        loop = asyncio.get_running_loop()
        encoding = request.headers.get("content-encoding", "")

        def answer(body: bytes) -> bytes:
            content = action(spec, inflated(body, encoding, self._max_request_bytes), record)
            return compressed(content) if gzipped else content

        try:
            async with asyncio.timeout(self._timeout):
                body = await self._body(request)
                # After a timeout the thread continues: a running Session cannot be stopped.
                return await loop.run_in_executor(self._threads, answer, body)
        except TimeoutError as error:
            text = "Timed out waiting for the request or the model"
            raise StatusError(grpc.StatusCode.DEADLINE_EXCEEDED, text) from error

    async def _body(self, request: Request) -> bytes:
        """The body as it was sent. Raises 413 where it is, or says it is, too long."""
        try:
            body = await limited_body(request, self._max_request_bytes)
        except ClientDisconnect as error:
            raise StatusError(grpc.StatusCode.CANCELLED, "Cancelled") from error
        if body is None:
            raise too_large(self._max_request_bytes)
        return body

    def _status(self, spec: ModelSpec, body: bytes, record: RequestRecord) -> bytes:
        statuses = self._manager.statuses(spec)
        return _dump(_as_dict(GetModelStatusResponse(model_version_status=statuses)))

    def _metadata(self, spec: ModelSpec, body: bytes, record: RequestRecord) -> bytes:
        found, definitions = signatures(self._manager, spec)
        content = {"model_spec": _as_dict(found)}
        return _dump(content | {"metadata": {SIGNATURE_DEF: _as_dict(definitions)}})

    def _predict(self, spec: ModelSpec, body: bytes, record: RequestRecord) -> bytes:
        document = json_predict.parse(body)
        with self._manager.use(spec) as version:
            record.model = spec.name
            servable = version.servable
            signature = servable.signature(json_predict.signature_name(document))
            feeds = json_predict.feeds(document, signature)
            with record.time_model(), _shapes_explained(servable, signature.name, feeds):
                outputs = servable.run(signature, feeds, timeout=self._timeout)
        return _dump(json_predict.reply(outputs, json_predict.is_row_format(document)))


@contextmanager
def _shapes_explained(
    servable: Servable, name: str, feeds: dict[str, np.ndarray]
) -> Iterator[None]:
    """Where the model refuses inputs of another shape than its signature has, the error says so."""
    try:
        yield
    except Exception as error:
        code = as_status_error(error).code
        complaint = json_predict.shape_complaint(servable.signature_defs[name], feeds)
        if complaint and code is grpc.StatusCode.INVALID_ARGUMENT:
            raise invalid_argument(complaint) from error
        raise


def application(
    rest: Rest, metrics_path: str, metrics_text: Callable[[], bytes], cors: bool = False
) -> Starlette:
    """The application: metrics at `metrics_path`, unless that is empty, and the REST API.

    Args:
        rest: Answers the requests.
        metrics_path: Path of the metrics.
        metrics_text: What Prometheus reads there.
        cors: Whether pages of any site may ask.
    """

    async def metrics(request: Request) -> Response:
        return Response(metrics_text(), media_type="text/plain; version=0.0.4")

    routes = [Route(metrics_path, metrics)] if metrics_path else []
    # One route for all: TensorFlow Serving answers wrong paths and methods of models with 400 and
    # JSON, where Starlette would answer 404 and 405 in text.
    routes.append(Route("/{path:path}", rest.answer, methods=_METHODS))
    any_site = Middleware(
        CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "POST"], allow_headers=["*"]
    )
    return Starlette(
        routes=routes,
        middleware=[any_site] if cors else [],
        exception_handlers={HTTPException: _refused},
    )


def error_response(error: StatusError) -> Response:
    """`{"error": text}`, with TensorFlow Serving's HTTP status."""
    content = _dump({"error": error.text})
    return Response(content, error.http_status, media_type="application/json")


async def _refused(request: Request, error: HTTPException) -> Response:
    """Starlette's own errors, such as 405, in the same form."""
    content = _dump({"error": error.detail})
    return Response(content, error.status_code, media_type="application/json")


def _spec(match: re.Match) -> ModelSpec:
    spec = ModelSpec(name=match["model"])
    if match["version"]:
        # The length first: int() of thousands of digits raises ValueError.
        if len(match["version"]) > 19 or int(match["version"]) > MAX_VERSION:
            raise invalid_argument(f"Failed to convert version: {match['version']} to numeric.")
        spec.version.value = int(match["version"])
    elif match["label"]:
        spec.version_label = match["label"]
    return spec


def _classify(spec: ModelSpec, body: bytes, record: RequestRecord) -> bytes:
    raise unimplemented("Classify")


def _regress(spec: ModelSpec, body: bytes, record: RequestRecord) -> bytes:
    raise unimplemented("Regress")


def _as_dict(message) -> dict[str, Any]:
    return MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _dump(content: dict[str, Any]) -> bytes:
    # A client's text may hold a lone surrogate, which UTF-8 cannot encode.
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
