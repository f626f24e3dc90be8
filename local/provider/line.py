"""The line to whoever asks: kept within reach of the application, so that a fault may cut it instead of an answer."""

from __future__ import annotations

import asyncio
import socket
import struct

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

_LINE = "simulated-provider.line"
_LINGER_NOT_AT_ALL = struct.pack("ii", 1, 0)


def with_line(app: ASGIApp) -> ASGIApp:
    """Hands the server's transport down to an application; ASGI itself has no word for it."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        cycle = getattr(send, "__self__", None)
        await app({**scope, _LINE: getattr(cycle, "transport", None)}, receive, send)

    return served


class NoAnswer(Response):
    """The connection is reset, without a byte of an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        line: asyncio.Transport | None = scope.get(_LINE)
        if line is None:
            raise ConnectionResetError("there is no line to cut")
        end: socket.socket = line.get_extra_info("socket")
        # Closed with nothing to linger for, a socket says RST rather than FIN.
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT_AT_ALL)
        line.abort()
        # Until the server has noticed, it would take the silence for a mistake and answer 500.
        while (await receive())["type"] != "http.disconnect":
            continue
