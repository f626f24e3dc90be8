"""Serves an ASGI application from a thread, on a socket that is taken before anything else starts."""

from __future__ import annotations

import socket
import threading
import time

import uvicorn
from starlette.types import ASGIApp


class PortTakenError(Exception):
    """Something else listens on the port that was asked for."""


def take_port(port: int) -> socket.socket:
    """Claims a port of this computer; callers that come early wait until it is served.

    Args:
        port: 0 for any that is free.

    Raises:
        PortTakenError: The port is in use.
    """
    # With the protocol named, asyncio turns Nagle's algorithm off, which costs every answer 40 ms.
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind(("127.0.0.1", port))
        taken.listen(128)
    except OSError as error:
        taken.close()
        raise PortTakenError(f"port {port} on 127.0.0.1 cannot be used: {error.strerror}") from error
    return taken


class ServerThread:
    """One application being served."""

    def __init__(self, app: ASGIApp, listening: socket.socket) -> None:
        config = uvicorn.Config(
            app, http="h11", ws="none", lifespan="on", log_config=None, access_log=False, timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listening]}, name="front door", daemon=True
        )
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.005)

    def stop(self) -> None:
        """Finishes what is being answered, for a second at most, and closes the port."""
        self._server.should_exit = True
        self._thread.join(timeout=5)
