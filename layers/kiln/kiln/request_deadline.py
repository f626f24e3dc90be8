"""One deadline for a whole HTTP request: httpx limits each read and write alone, so a slow answer may never end.

Import it where a client is made: it loads what httpx loads only then.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from ssl import SSLContext
from typing import Any

import httpcore
import httpx

from kiln.trust import public_context


def prepare() -> None:
    """Makes the part that all requests share, in initialisation. Importing this module has loaded the libraries."""
    public_context()


class DeadlineTransport(httpx.HTTPTransport):
    """httpx's transport, on which a request ends after so many seconds; one request at a time.

    Looking up the host's addresses has the resolver's own limits.

    Args:
        seconds: From the beginning of a request to the last byte of its answer.
        limits: Which connections are kept.
    """

    def __init__(self, seconds: float, *, limits: httpx.Limits | None = None) -> None:
        super().__init__(verify=public_context(), limits=limits or httpx.Limits())
        self._seconds = seconds
        self._network = _DeadlineNetwork(httpcore.SyncBackend())
        self._pool._network_backend = self._network  # noqa: SLF001 - httpcore takes one, httpx hands none on

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends one request; its time begins here, also on a connection that was kept."""
        self._network.ends_at = time.monotonic() + self._seconds
        return super().handle_request(request)


class _DeadlineNetwork(httpcore.NetworkBackend):
    """Allows every step at most the time that is left of the request."""

    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner
        self.ends_at = math.inf

    def allow(self, timeout: float | None, over: type[httpcore.TimeoutException]) -> float:
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise over("the deadline of the whole request has passed")
        return left if timeout is None else min(timeout, left)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        allowed = self.allow(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(self._inner.connect_tcp(host, port, allowed, local_address, socket_options), self)


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, network: _DeadlineNetwork) -> None:
        self._inner = inner
        self._network = network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._network.allow(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._network.allow(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        allowed = self._network.allow(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(self._inner.start_tls(ssl_context, server_hostname, allowed), self._network)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
