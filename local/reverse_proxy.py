"""One stable address for the local API: forwards requests to the API's stage, within API Gateway's limits."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from local.gateway_limits import BODY_LIMIT, EVENT_LIMIT, HEADER_LIMIT, TIMEOUT_SECONDS, event_bytes, head_bytes
from local.gateway_responses import DEFAULTS, GatewayResponse

_HOP_BY_HOP = {
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}
_NOT_FORWARDED = _HOP_BY_HOP | {b"host", b"expect", b"content-length"}
_TIMEOUT = httpx.Timeout(60, connect=5, pool=60)
_LIMITS = httpx.Limits(max_connections=200, max_keepalive_connections=50)

_CALLBACKS = "/v1/callbacks/"
AT_ONCE = 9
"""Each request that is being served is a process of 75 MB here, and its start takes a second of CPU.

So only this many callbacks, and as many other requests, are served at once. Their time limit begins with their turn.
"""

RawHeaders = list[tuple[bytes, bytes]]


class BodyTooLargeError(Exception):
    """The request's body is larger than API Gateway accepts, or its event is larger than Lambda accepts."""


class ReverseProxy:
    """An ASGI application (``app``) that forwards every request to the API."""

    def __init__(self, client: httpx.AsyncClient | None = None, *, timeout: float = TIMEOUT_SECONDS) -> None:
        # Both ends are on this computer, so proxies and credentials of the environment are ignored.
        self._client = client or httpx.AsyncClient(trust_env=False, timeout=_TIMEOUT, limits=_LIMITS)
        self._callbacks = asyncio.Semaphore(AT_ONCE)
        self._others = asyncio.Semaphore(AT_ONCE)
        self._timeout = timeout
        self._stage: httpx.URL | None = None
        self._responses = DEFAULTS
        self._open: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self.app = Starlette(routes=[Mount("/", self._serve)], lifespan=self._lifespan)

    def forward_to(self, stage_url: str, responses: Mapping[str, GatewayResponse] = DEFAULTS) -> None:
        """Sets where requests are forwarded from now on.

        Args:
            stage_url: The address of the API's stage.
            responses: The API's gateway responses, by their types.
        """
        self._stage = httpx.URL(stage_url)
        self._responses = {**DEFAULTS, **responses}

    def stop(self) -> None:
        """Answers every open request, and those to come, with 503; callable from any thread."""
        self._is_stopping = True
        for request in list(self._open):
            request.get_loop().call_soon_threadsafe(request.cancel)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A client that has disconnected gets no answer.
        with contextlib.suppress(ClientDisconnect):
            answer = await self._answer_unless_stopping(Request(scope, receive))
            await answer(scope, receive, send)

    async def _answer_unless_stopping(self, request: Request) -> Response:
        task: Any = asyncio.current_task()
        self._open.add(task)
        try:
            return await self._answer(request)
        except asyncio.CancelledError:
            if not self._is_stopping:
                raise
            return refusal(503, 5001, "the stack is stopping")
        finally:
            self._open.discard(task)

    async def _answer(self, request: Request) -> Response:
        if self._stage is None or self._is_stopping:
            return refusal(503, 5001, f"the stack is {'stopping' if self._is_stopping else 'starting'}")
        if _head_bytes(request) > HEADER_LIMIT:
            # API Gateway refuses this before it looks at the API, so no gateway response applies.
            return Response(f"HTTP header is larger than {HEADER_LIMIT} bytes.", 431, media_type="text/plain")
        try:
            body = await _read(request)
            async with self._turn_of(request), asyncio.timeout(self._timeout):
                return await self._forward(request, body, self._stage)
        except BodyTooLargeError:
            return self._responses["REQUEST_TOO_LARGE"].answer()
        except (TimeoutError, httpx.TimeoutException):
            return self._responses["INTEGRATION_TIMEOUT"].answer()
        except httpx.TransportError as error:
            return refusal(503, 5000, f"the local AWS could not be reached: {error}")

    def _turn_of(self, request: Request) -> contextlib.AbstractAsyncContextManager[None]:
        if request.url.path.startswith(_CALLBACKS):
            return self._callbacks
        # A request that waits for a task is not the work of a moment: it would keep the others from their turns.
        return contextlib.nullcontext() if "wait" in request.headers.get("prefer", "") else self._others

    async def _forward(self, request: Request, body: bytes, stage: httpx.URL) -> Response:
        # API Gateway keeps the escapes of a path; the local AWS decodes them once, so they are escaped once more.
        target = stage.raw_path.rstrip(b"/") + request.scope["raw_path"].replace(b"%", b"%25")
        if request.scope["query_string"]:
            target += b"?" + request.scope["query_string"]
        headers = _end_to_end(request.headers.raw, _NOT_FORWARDED)
        if body or b"content-length" in dict(request.headers.raw):
            headers.append((b"content-length", str(len(body)).encode()))
        # The target is sent as it was received: a URL object would normalise dots and escapes.
        outgoing = httpx.Request(request.method, stage, headers=headers, content=body, extensions={"target": target})
        incoming = await self._client.send(outgoing, stream=True)
        try:
            content = b"".join([chunk async for chunk in incoming.aiter_raw()])
        finally:
            await incoming.aclose()
        response = Response(content, incoming.status_code)
        left_out = _HOP_BY_HOP if request.method == "HEAD" else _HOP_BY_HOP | {b"content-length"}
        response.raw_headers = _end_to_end(incoming.headers.raw, left_out)
        if request.method != "HEAD" and incoming.status_code not in {204, 304}:
            response.raw_headers.append((b"content-length", str(len(content)).encode()))
        return response

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        yield
        await self._client.aclose()


def refusal(status: int, code: int, message: str) -> Response:
    """An answer of the proxy itself, in the contract's envelope."""
    body = {"code": code, "message": message, "request_id": uuid.uuid4().hex}
    # As in the template's gateway responses with the local stack's CorsOrigin, any page may read the reason.
    text = json.dumps(body, separators=(",", ":"))
    return Response(text, status, {"Access-Control-Allow-Origin": "*"}, media_type="application/json")


async def _read(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    too_large = declared.isdigit() and int(declared) > BODY_LIMIT
    if too_large and request.headers.get("expect", "").lower() == "100-continue":
        raise BodyTooLargeError
    # The whole body is read even if it is too large, as a client that is still sending would miss the answer.
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= BODY_LIMIT:
            chunks.append(chunk)
    if too_large or size > BODY_LIMIT:
        raise BodyTooLargeError
    body = b"".join(chunks)
    if event_bytes(_target(request), request.headers.raw, body) > EVENT_LIMIT:
        raise BodyTooLargeError
    return body


def _target(request: Request) -> bytes:
    query: bytes = request.scope["query_string"]
    path: bytes = request.scope["raw_path"]
    return path + b"?" + query if query else path


def _head_bytes(request: Request) -> int:
    return head_bytes(request.method, _target(request), request.headers.raw)


def _end_to_end(headers: Iterable[tuple[bytes, bytes]], left_out: set[bytes]) -> RawHeaders:
    """The headers without those for one connection only, such as the ones that ``Connection`` names."""
    pairs = [(name.lower(), value) for name, value in headers]
    named = {token.strip().lower() for name, value in pairs if name == b"connection" for token in value.split(b",")}
    return [(name, value) for name, value in pairs if name not in left_out and name not in named]
