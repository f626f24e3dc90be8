"""Listens on this computer for a local stack's webhooks, and checks their signatures (Standard Webhooks)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

_PREFIX = "whsec_"


@dataclass(frozen=True)
class Webhook:
    """A received webhook; the names of its headers are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Parses the body."""
        return json.loads(self.body)

    def is_signed_with(self, secret: str) -> bool:
        """Whether one of its signatures was made with a secret."""
        key = base64.b64decode(secret.removeprefix(_PREFIX))
        content = f"{self.headers.get('webhook-id')}.{self.headers.get('webhook-timestamp')}.".encode() + self.body
        expected = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        return any(hmac.compare_digest(expected, each) for each in self.headers.get("webhook-signature", "").split())


class Receiver:
    """A server on this computer, inside a ``with`` block.

    Attributes:
        received: Every webhook so far.
    """

    def __init__(self) -> None:
        self.received: list[Webhook] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                webhook = Webhook(self.path, headers, body)
                receiver.received.append(webhook)
                status, headers = receiver.answer(webhook)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Logs nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def answer(self, _webhook: Webhook) -> tuple[int, dict[str, str]]:
        """The status and the headers of the answer to a webhook."""
        return 200, {}

    @property
    def url(self) -> str:
        """The address to send webhooks to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
