"""The transport that callers' URLs are called through: it connects to addresses that were judged, and to no others.

A host is resolved once, every address it has is judged, and the connection goes to an address that was judged: a name
that answers differently the second time gains nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import httpx

from kiln.addresses import check_addresses
from kiln.addresses import resolve as _resolve

Resolve = Callable[[str, int], list[str]]


def public_address(host: str, port: int, *, resolve: Resolve | None = None) -> str:
    """An address of a host to connect to, of which every one is public.

    Raises:
        ForbiddenAddress: It has an internal address among them.
        httpx.ConnectError: It has none at present.
    """
    try:
        found = (resolve or _resolve)(host, port)
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError("the host has no address") from error
    if not found:
        raise httpx.ConnectError("the host has no address")
    check_addresses(found)
    return found[0]


class GuardedTransport(httpx.BaseTransport):
    """An httpx transport that connects to judged addresses alone; TLS still proves the host's name.

    Args:
        inner: Moves the bytes; it knows connections by address, and must keep none for another host that is there too.
        resolve: Finds a host's addresses.
    """

    def __init__(self, inner: httpx.BaseTransport, resolve: Resolve | None = None) -> None:
        self._inner = inner
        self._resolve = resolve

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends one request to an address that was judged.

        Raises:
            ForbiddenAddress: It would lead inside.
        """
        # As it is on the network: read back into letters, Python would write some names in another way.
        host = request.url.raw_host.decode("ascii")
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        address = public_address(host, port, resolve=self._resolve)
        # The Host header was set from the name already; the certificate is checked against it too.
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address)
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Closes the connections."""
        self._inner.close()
