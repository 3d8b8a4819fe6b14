"""The page's HTTP server: static files, and JSON requests that become gRPC requests."""

import contextlib
import logging
from collections.abc import AsyncIterator, Collection
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from serving import contract
from serving.client.async_client import AsyncClient
from serving.client.connection import Connection
from serving.client.image_files import gif_of_drawings
from serving.client.results import Drawing
from serving.errors import RequestError, ServingError
from serving.server.status import HTTP_STATUS
from serving.web.json_payloads import DrawingRequest, packed
from serving.web.security import KnownHosts, SecurityHeaders, json_body

STATIC = Path(__file__).parent / "static"

_log = logging.getLogger(__name__)


def create_app(connection: Connection, names: Collection[str] | None = None) -> Starlette:
    """The ASGI application of the page.

    Args:
        connection: The server and the model that draw.
        names: Host names that the page has, besides addresses; None for any.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        # Made here, not above: an asyncio client belongs to the event loop that uvicorn starts.
        async with AsyncClient(**vars(connection)) as client:
            app.state.client = client
            yield

    return Starlette(
        routes=[
            Route("/api/model", _model),
            Route("/api/drawings", _drawings, methods=["POST"]),
            Route("/api/animation", _animation, methods=["POST"]),
            Mount("/", StaticFiles(directory=STATIC, html=True)),
        ],
        middleware=[Middleware(SecurityHeaders), Middleware(KnownHosts, names)],
        exception_handlers={
            ServingError: serving_error,
            HTTPException: _http_error,
            Exception: _unforeseen_error,
        },
        lifespan=lifespan,
    )


async def _model(request: Request) -> Response:
    """The model that draws: its version, the most words of a caption or null, what it takes."""
    client: AsyncClient = request.app.state.client
    model = await client.metadata()
    return JSONResponse(
        {
            "model": model.model,
            "version": model.version,
            "maxWords": model.max_words,
            "guided": contract.DRAW_GUIDED.name in model.signatures,
        }
    )


async def _drawings(request: Request) -> Response:
    """Drawings with all their steps, as JSON."""
    drawings = await _draw(request)
    # Packing takes milliseconds of CPU time, in which the event loop could answer nobody else.
    content = await run_in_threadpool(lambda: [packed(drawing) for drawing in drawings])
    return JSONResponse({"drawings": content})


async def _animation(request: Request) -> Response:
    """The same drawings as a GIF: equal captions and seeds give equal drawings."""
    drawings = await _draw(request)
    return Response(await run_in_threadpool(gif_of_drawings, drawings), media_type="image/gif")


async def _draw(request: Request) -> list[Drawing]:
    arguments = DrawingRequest.of(await json_body(request))
    client: AsyncClient = request.app.state.client
    return await client.draw_steps(**vars(arguments))


def serving_error(request: Request, error: ServingError) -> Response:
    """The answer to an error: 400 for a wrong request, else the gRPC status's own, or 502."""
    other = 400 if isinstance(error, RequestError) else 502
    return _error(HTTP_STATUS.get(error.status, other), str(error))


def _http_error(request: Request, error: HTTPException) -> Response:
    return _error(error.status_code, error.detail)


def _unforeseen_error(request: Request, error: Exception) -> Response:
    _log.error("%s failed", request.url.path, exc_info=error)
    return _error(500, "The server of this page failed. Its log has the reason.")


def _error(status: int, text: str) -> Response:
    return JSONResponse({"error": text}, status)
