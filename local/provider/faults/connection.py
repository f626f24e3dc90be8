"""Resets the connection to a client instead of answering it."""

from __future__ import annotations

import asyncio
import socket
import struct

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

_TRANSPORT = "simulated-provider.transport"
_LINGER_NOT_AT_ALL = struct.pack("ii", 1, 0)


def with_transport(app: ASGIApp) -> ASGIApp:
    """Passes the server's transport to an application in the scope, as ASGI has no field for it."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        cycle = getattr(send, "__self__", None)
        await app({**scope, _TRANSPORT: getattr(cycle, "transport", None)}, receive, send)

    return served


class ConnectionReset(Response):
    """Resets the connection without a byte of an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        transport: asyncio.Transport | None = scope.get(_TRANSPORT)
        if transport is None:
            raise ConnectionResetError("the server passed no transport, so there is no connection to reset")
        end: socket.socket = transport.get_extra_info("socket")
        # A socket that is closed without lingering sends RST rather than FIN.
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT_AT_ALL)
        transport.abort()
        # The server would take a return before the disconnect for a mistake, and answer 500.
        while (await receive())["type"] != "http.disconnect":
            continue
