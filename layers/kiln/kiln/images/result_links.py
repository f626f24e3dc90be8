"""Opens the provider's links to generated images. Every hop is judged, and connects to a judged address only."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import cache
from urllib.parse import quote, urljoin

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from kiln.addresses import ForbiddenAddress, check_addresses, check_url, resolve
from kiln.settings import ResultSettings, load
from kiln.trust import public_context

REDIRECTS = 3
"""How many redirects of a link are followed."""

_CONNECTIONS = 6
_ADDRESSES = 3
"""How many addresses of a host are tried."""

_URL_CHARACTERS = "%/:=&?~#+!$,;'@()*[]"


class LinkRefused(Exception):
    """A link that Kiln does not follow; the message says why, and holds no part of the link."""


def open_link(url: str, http: urllib3.PoolManager | None = None) -> urllib3.BaseHTTPResponse:
    """Requests an image; the answer's body is not read yet.

    Args:
        url: The link, as the provider gave it.
        http: A pool that does not follow redirects.

    Raises:
        LinkRefused: The link, or one that it redirects to, is not allowed.
        urllib3.exceptions.HTTPError: The connection failed.
    """
    http = http or guarded_http()
    for hop in range(REDIRECTS + 1):
        try:
            check_url(url, load(ResultSettings))
            answer = http.request("GET", url, preload_content=False, redirect=False, retries=False)
        except ForbiddenAddress as forbidden:
            where = "redirect" if hop else "url"
            raise LinkRefused(f"{where}: {_named(url, str(forbidden))}") from None
        location = answer.get_redirect_location()
        if not location:
            return answer
        answer.close()
        url = _target(url, location)
    raise LinkRefused(f"it redirects more than {REDIRECTS} times")


@cache
def guarded_http() -> urllib3.PoolManager:
    """The connections to the provider's image hosts."""
    timeout = urllib3.Timeout(connect=5, read=30)
    pool = urllib3.PoolManager(maxsize=_CONNECTIONS, timeout=timeout, retries=False, ssl_context=public_context())
    pool.pool_classes_by_scheme = {"http": _GuardedHttpPool, "https": _GuardedHttpsPool}
    return pool


def _target(url: str, location: str) -> str:
    """Where a redirect leads. Headers arrive as Latin-1, whatever their bytes mean."""
    try:
        return urljoin(url, quote(location.encode("latin-1", "replace"), safe=_URL_CHARACTERS))
    except ValueError:
        return location


def _named(url: str, limit: str) -> str:
    if not url:
        return f"{limit}, got an empty string"
    scheme, colon, _ = url.partition(":")
    if not colon or not scheme.isalnum():
        return f"{limit}, got a relative URL"
    return limit if scheme.lower() == "https" else f"{limit}, got {scheme[:10].lower()}:"


def _connect(connection: HTTPConnection, connect: Callable[[], socket.socket]) -> socket.socket:
    """Connects to an address that was judged, under the host's name: the Host header and TLS still use the name."""
    host = connection._dns_host  # noqa: SLF001 - the name that urllib3 would look up again, after it was judged
    try:
        addresses = resolve(host, connection.port)
    except (OSError, UnicodeError) as error:
        raise NameResolutionError(host, connection, socket.gaierror(str(error))) from error
    if not load(ResultSettings).allow_private:
        check_addresses(addresses)
    failure: Exception = NewConnectionError(connection, "the host has no address")
    try:
        for address in addresses[:_ADDRESSES]:
            connection._dns_host = address  # noqa: SLF001
            try:
                return connect()
            except (ConnectTimeoutError, NewConnectionError) as error:
                failure = error
    finally:
        connection._dns_host = host  # noqa: SLF001
    raise failure


class _GuardedHttpConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self, super()._new_conn)


class _GuardedHttpsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self, super()._new_conn)


class _GuardedHttpPool(HTTPConnectionPool):
    ConnectionCls = _GuardedHttpConnection


class _GuardedHttpsPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedHttpsConnection
