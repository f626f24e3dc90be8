"""Serves the result images under signed links that expire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from kiln.images.formats import content_type_of
from local.provider.faults.board import FaultBoard, FaultBoards
from local.provider.faults.connection import ConnectionReset
from local.provider.images.storage import ResultStorage

_CHUNK_BYTES = 64 * 1024
_CHUNKS_PER_SECOND = 20
_NO_IMAGE = "<html><body>This picture is being prepared for you</body></html>"


class ResultImagesApi:
    """``GET`` and ``HEAD`` of a result link, with the faults a download can have."""

    def __init__(self, storage: ResultStorage, faults: FaultBoards) -> None:
        self._storage = storage
        self._faults = faults
        self._truncated = 0
        self._downloaded: set[str] = set()

    async def read(self, request: Request) -> Response:
        """Answers an image, whole unless a fault strikes."""
        name = request.path_params["name"]
        query = request.query_params
        if not self._storage.is_valid(name, query.get("expires", ""), query.get("sig", "")):
            return PlainTextResponse("AccessDenied", status_code=403)
        path, account = self._storage.find(name), self._storage.account_of(name)
        if path is None or account is None:
            return PlainTextResponse("NoSuchKey", status_code=404)
        content = await asyncio.to_thread(path.read_bytes)
        if request.method == "HEAD":
            return _ImageResponse(content, len(content), head=content)
        return self._served(name, content, self._faults.of(account))

    def _served(self, name: str, content: bytes, board: FaultBoard) -> Response:
        faults = board.now
        if board.strikes(faults.reset_rate):
            return ConnectionReset()
        is_first = name not in self._downloaded
        self._downloaded.add(name)
        if (is_first and faults.first_image_try_fails) or board.strikes(faults.image_errors):
            status = board.one_of((403, 404))
            return PlainTextResponse("AccessDenied" if status == 403 else "NoSuchKey", status_code=status)
        if (change := board.image_bytes_change(self._storage.prompt_of(name))) is not None:
            return change.applied_to(content, content_type_of(content) or "application/octet-stream")
        if board.strikes(faults.not_images):
            return HTMLResponse(_NO_IMAGE)
        sent, declared = content, len(content)
        if board.strikes(faults.truncate_images):
            # In turn: a connection that ends early, and a file that was never whole but has a right Content-Length.
            # The place differs each time: an image that ends twice at the same place counts as whole.
            sent = content[: int(len(content) * (0.4 + board.up_to(0.5)))]
            declared = len(content) if self._truncated % 2 == 0 else len(sent)
            self._truncated += 1
        answer = _ImageResponse(sent, declared, bytes_per_second=faults.slow_images_bps, head=content)
        if board.strikes(faults.wrong_types):
            answer.headers["content-type"] = "text/plain"
        return answer


class _ImageResponse(Response):
    """A body that may be sent slowly, and may be shorter than its Content-Length."""

    def __init__(self, content: bytes, declared: int, *, head: bytes, bytes_per_second: float | None = None) -> None:
        super().__init__(media_type=content_type_of(head) or "application/octet-stream")
        self.headers["content-length"] = str(declared)
        self._content = content
        self._is_whole = declared == len(content)
        self._pace = bytes_per_second

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if scope["method"] != "HEAD":
            async for chunk in self._chunks():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        if self._is_whole or scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        # Otherwise the body is left open: the server closes the connection, and the client sees it end early.

    async def _chunks(self) -> AsyncIterator[bytes]:
        size = max(1, int(self._pace / _CHUNKS_PER_SECOND)) if self._pace else _CHUNK_BYTES
        for start in range(0, len(self._content), size):
            chunk = self._content[start : start + size]
            yield chunk
            if self._pace:
                await asyncio.sleep(len(chunk) / self._pace)
