"""Serves an ASGI application from a thread, on a socket that is opened before."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp


class PortTakenError(Exception):
    """Another process listens on the requested port."""


def take_port(port: int) -> socket.socket:
    """Opens a port of this computer; requests wait until it is served.

    Args:
        port: 0 for any free one.

    Raises:
        PortTakenError: The port is in use.
    """
    # With the protocol named, asyncio turns off Nagle's algorithm, which would cost every answer 40 ms.
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
    """An application that is being served.

    Args:
        app: The application.
        listening: The socket that it is served on.
        certificate: The certificate's file and the key's, to serve https.
    """

    def __init__(self, app: ASGIApp, listening: socket.socket, certificate: tuple[Path, Path] | None = None) -> None:
        public, private = certificate or (None, None)
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
            ssl_certfile=public,
            ssl_keyfile=private,
            # Larger headers than API Gateway accepts still get an answer of the application.
            h11_max_incomplete_event_size=65_536,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listening]}, name="reverse proxy", daemon=True
        )
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.005)

    def stop(self) -> None:
        """Waits at most a second for open requests, and closes the port."""
        self._server.should_exit = True
        self._thread.join(timeout=5)
