"""One stable address in front of the local API: passes requests on to the API's stage and answers back, unchanged."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Iterable

import httpx
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

BODY_LIMIT = 10 * 1024 * 1024
"""What API Gateway takes in one request."""

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
_NOT_SENT_ON = _HOP_BY_HOP | {b"host", b"expect", b"content-length"}
_TIMEOUT = httpx.Timeout(60, connect=5, pool=60)
_LIMITS = httpx.Limits(max_connections=200, max_keepalive_connections=50)

_CALLBACKS = "/v1/callbacks/"
_CALLBACKS_AT_ONCE = 9
"""Every one that is being served is a process of 75 MB here: a herd of them takes turns instead."""

RawHeaders = list[tuple[bytes, bytes]]


class BodyTooLargeError(Exception):
    """The request's body is larger than API Gateway takes."""


class FrontDoor:
    """An ASGI application (``app``) that passes everything on to the API."""

    def __init__(self, client: httpx.AsyncClient | None = None) -> None:
        """Opens nothing yet.

        Args:
            client: What to send requests with; one of its own if there is none.
        """
        # Proxies and credentials of the user's environment have no business between two ports of one computer.
        self._client = client or httpx.AsyncClient(trust_env=False, timeout=_TIMEOUT, limits=_LIMITS)
        self._callbacks = asyncio.Semaphore(_CALLBACKS_AT_ONCE)
        self._stage: httpx.URL | None = None
        self.app = Starlette(routes=[Mount("/", self._serve)], lifespan=self._lifespan)

    def lead_to(self, stage_url: str) -> None:
        """Sets where requests go from now on: the address of the API's stage."""
        self._stage = httpx.URL(stage_url)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        turn = self._callbacks if scope["path"].startswith(_CALLBACKS) else contextlib.nullcontext()
        async with turn:
            await self._serve_now(scope, receive, send)

    async def _serve_now(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Nobody is left to answer when the client has gone.
        with contextlib.suppress(ClientDisconnect):
            answer = await self._answer(Request(scope, receive))
            await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if self._stage is None:
            return refusal(503, 5001, "the stack is starting")
        try:
            body = await _read(request)
            return await self._pass_on(request, body, self._stage)
        except BodyTooLargeError:
            limit = f"body: must be at most {BODY_LIMIT} bytes"
            return refusal(413, 1201, f"{limit}, upload large images first (POST /v1/uploads) or send their URLs")
        except httpx.TimeoutException:
            return refusal(504, 5002, "the local AWS did not answer in time")
        except httpx.TransportError as error:
            return refusal(503, 5000, f"the local AWS could not be reached: {error}")

    async def _pass_on(self, request: Request, body: bytes, stage: httpx.URL) -> Response:
        target = stage.raw_path.rstrip(b"/") + request.scope["raw_path"]
        if request.scope["query_string"]:
            target += b"?" + request.scope["query_string"]
        headers = _end_to_end(request.headers.raw, _NOT_SENT_ON)
        if body or b"content-length" in dict(request.headers.raw):
            headers.append((b"content-length", str(len(body)).encode()))
        # The target goes out as it came in: a URL object would normalise dots and escapes.
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
    """An answer of our own in the contract's envelope."""
    body = {"code": code, "message": message, "request_id": uuid.uuid4().hex}
    # As the template's gateway responses with the local stack's CorsOrigin: any page may read why.
    return Response(json.dumps(body), status, {"Access-Control-Allow-Origin": "*"}, media_type="application/json")


async def _read(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    too_large = declared.isdigit() and int(declared) > BODY_LIMIT
    if too_large and request.headers.get("expect", "").lower() == "100-continue":
        raise BodyTooLargeError
    # Read to the end even when it is too much: a client that is still sending would miss the answer.
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= BODY_LIMIT:
            chunks.append(chunk)
    if too_large or size > BODY_LIMIT:
        raise BodyTooLargeError
    return b"".join(chunks)


def _end_to_end(headers: Iterable[tuple[bytes, bytes]], left_out: set[bytes]) -> RawHeaders:
    """The headers without those that concern one connection only, the ones that ``Connection`` names included."""
    pairs = [(name.lower(), value) for name, value in headers]
    named = {token.strip().lower() for name, value in pairs if name == b"connection" for token in value.split(b",")}
    return [(name, value) for name, value in pairs if name not in left_out and name not in named]
