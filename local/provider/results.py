"""Keeps the result images in a temporary folder and serves them under signed links that expire."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from kiln.images.inspection import content_type_of
from local.provider.faults import FaultBoard
from local.provider.line import NoAnswer
from local.provider.settings import ProviderSettings

_CHUNK_BYTES = 64 * 1024
_CHUNKS_PER_SECOND = 20
_NO_IMAGE = "<html><body>This picture is being prepared for you</body></html>"


@dataclass(frozen=True)
class _Kept:
    path: Path
    size: int


class ResultShelf:
    """The pictures made so far; their names say nothing, their links carry all the right there is."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._key = secrets.token_bytes(32)
        self._folder: Path | None = None
        self._kept: dict[str, _Kept] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, content: bytes) -> str:
        """Stores a picture and answers the path and query of its link."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="simulated-provider-"))
        name = secrets.token_urlsafe(24)
        path = self._folder / name
        path.write_bytes(content)
        self._kept[name] = _Kept(path, len(content))
        self._forget_oldest()
        expires = int(time.time() + self._settings.result_seconds)
        return f"/results/{name}?expires={expires}&sig={self._signature(name, str(expires))}"

    def expired(self, url: str) -> str:
        """The same link as it would have been made too long ago."""
        address, _, _ = url.partition("?")
        name = address.rpartition("/")[2]
        expires = str(int(time.time()) - 1)
        return f"{address}?expires={expires}&sig={self._signature(name, expires)}"

    def find(self, name: str) -> Path | None:
        """Where a picture lies, while it is kept."""
        kept = self._kept.get(name)
        return kept.path if kept else None

    def opens(self, name: str, expires: str, signature: str) -> bool:
        """Whether a link is ours and has not expired."""
        is_ours = hmac.compare_digest(self._signature(name, expires).encode(), signature.encode())
        return is_ours and time.time() < int(expires)

    def clear(self) -> None:
        """Removes every picture."""
        self._kept.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _forget_oldest(self) -> None:
        held = sum(kept.size for kept in self._kept.values())
        while held > self._settings.result_bytes and len(self._kept) > 1:
            oldest = next(iter(self._kept))
            kept = self._kept.pop(oldest)
            kept.path.unlink(missing_ok=True)
            held -= kept.size

    def _signature(self, name: str, expires: str) -> str:
        return hmac.new(self._key, f"{name}.{expires}".encode(), hashlib.sha256).hexdigest()


class ResultsApi:
    """``GET`` and ``HEAD`` of a result link, with the faults a download can have."""

    def __init__(self, shelf: ResultShelf, faults: FaultBoard) -> None:
        self._shelf = shelf
        self._faults = faults
        self._cuts = 0
        self._asked_for: set[str] = set()

    async def read(self, request: Request) -> Response:
        """Answers a picture, whole unless a fault strikes."""
        name = request.path_params["name"]
        query = request.query_params
        if not self._shelf.opens(name, query.get("expires", ""), query.get("sig", "")):
            return PlainTextResponse("AccessDenied", status_code=403)
        path = self._shelf.find(name)
        if path is None:
            return PlainTextResponse("NoSuchKey", status_code=404)
        content = await asyncio.to_thread(path.read_bytes)
        if request.method == "HEAD":
            return _PictureResponse(content, len(content), head=content)
        return self._served(name, content)

    def _served(self, name: str, content: bytes) -> Response:
        faults = self._faults.now
        if self._faults.strikes(faults.reset_rate):
            return NoAnswer()
        is_first = name not in self._asked_for
        self._asked_for.add(name)
        if (is_first and faults.first_image_try_fails) or self._faults.strikes(faults.image_errors):
            status = self._faults.one_of((403, 404))
            return PlainTextResponse("AccessDenied" if status == 403 else "NoSuchKey", status_code=status)
        if self._faults.strikes(faults.not_images):
            return HTMLResponse(_NO_IMAGE)
        sent, announced = content, len(content)
        if self._faults.strikes(faults.truncate_images):
            # By turns: a connection that ends early, and a file that was never whole but says nothing of it.
            sent = content[: len(content) * 2 // 3]
            announced = len(content) if self._cuts % 2 == 0 else len(sent)
            self._cuts += 1
        answer = _PictureResponse(sent, announced, bytes_per_second=faults.slow_images_bps, head=content)
        if self._faults.strikes(faults.wrong_types):
            answer.headers["content-type"] = "text/plain"
        return answer


class _PictureResponse(Response):
    """A body that may be slower than the line and shorter than its Content-Length."""

    def __init__(self, content: bytes, announced: int, *, head: bytes, bytes_per_second: float | None = None) -> None:
        super().__init__(media_type=content_type_of(head) or "application/octet-stream")
        self.headers["content-length"] = str(announced)
        self._content = content
        self._is_whole = announced == len(content)
        self._pace = bytes_per_second

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if scope["method"] != "HEAD":
            async for chunk in self._chunks():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        if self._is_whole or scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        # Otherwise the body is left open: the server closes the connection, and the reader sees it end early.

    async def _chunks(self) -> AsyncIterator[bytes]:
        size = max(1, int(self._pace / _CHUNKS_PER_SECOND)) if self._pace else _CHUNK_BYTES
        for start in range(0, len(self._content), size):
            chunk = self._content[start : start + size]
            yield chunk
            if self._pace:
                await asyncio.sleep(len(chunk) / self._pace)
