"""Where a webhook may be sent: keeps callers' URLs out of the network that Kiln itself runs in.

A host is resolved once, every address it has is judged, and the connection goes to an address that was judged: a name
that answers differently the second time gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import unicodedata
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx

from kiln.settings import WebhookSettings, load

HTTPS_PORTS = frozenset({443, 8443})
HTTP_PORTS = frozenset({80, 8080})

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NOT_PUBLIC = (
    ipaddress.ip_network("192.0.0.0/24"),  # For protocols; Python 3.11 counts most of it as global.
    ipaddress.ip_network("192.88.99.0/24"),  # The relays of 6to4: whoever is nearest takes it.
    ipaddress.ip_network("fec0::/10"),  # Site-local, which Python counts as global.
    ipaddress.ip_network("3fff::/20"),  # Documentation, later than the Python versions that run this.
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], list[str]]


class ForbiddenAddress(Exception):
    """A webhook must not be sent there; the message says why, without naming the address behind a name."""


def check_url(url: str, settings: WebhookSettings | None = None) -> None:
    """Judges a URL by itself, without resolving its host.

    Raises:
        ForbiddenAddress: Scheme, credentials, port or a literal address are not allowed.
    """
    settings = settings or load(WebhookSettings)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ForbiddenAddress("must be an http(s) URL") from error
    if parts.scheme != "https" and not (parts.scheme == "http" and settings.allow_http):
        raise ForbiddenAddress("must be an https URL")
    if not parts.hostname:
        raise ForbiddenAddress("must be an http(s) URL with a host")
    if parts.username is not None or parts.password is not None:
        raise ForbiddenAddress("must not hold a user name or a password")
    allowed = HTTPS_PORTS if parts.scheme == "https" else HTTPS_PORTS | HTTP_PORTS
    if port is not None and port not in allowed and not settings.allow_private:
        raise ForbiddenAddress(f"port must be one of {', '.join(str(each) for each in sorted(allowed))}")
    literal = _literal(parts.hostname)
    if literal is not None and not settings.allow_private and not is_public(literal):
        raise ForbiddenAddress("must not be a private, link-local or otherwise internal address")


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, also after what it may wrap is unwrapped."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if address.teredo:
            return False
        if inner is not None:
            return is_public(inner)
    if any(address in network for network in _NOT_PUBLIC):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def public_address(host: str, port: int, *, resolve: Resolve | None = None) -> str:
    """An address of a host to connect to, of which every one is public.

    Raises:
        ForbiddenAddress: It has an internal address among them.
        httpx.ConnectError: It has none at present.
    """
    try:
        found = (resolve or _resolve)(host, port)
    except OSError as error:
        raise httpx.ConnectError("the host has no address") from error
    if not found:
        raise httpx.ConnectError("the host has no address")
    if not all(is_public(ipaddress.ip_address(each.partition("%")[0])) for each in found):
        raise ForbiddenAddress("the host leads to a private, link-local or otherwise internal address")
    return found[0]


class GuardedTransport(httpx.BaseTransport):
    """An httpx transport that connects to judged addresses alone; TLS still proves the host's name.

    Args:
        inner: Moves the bytes.
        resolve: Finds a host's addresses.
    """

    def __init__(self, inner: httpx.BaseTransport | None = None, resolve: Resolve | None = None) -> None:
        self._inner = inner or httpx.HTTPTransport(retries=0)
        self._resolve = resolve

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends one request to an address that was judged.

        Raises:
            ForbiddenAddress: It would lead inside.
        """
        host = request.url.host
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        address = public_address(host, port, resolve=self._resolve)
        # The Host header was set from the name already; the certificate is checked against it too.
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address)
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Closes the connections."""
        self._inner.close()


def _resolve(host: str, port: int) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _literal(host: str) -> Address | None:
    """The address that a host *is*, in any spelling that a resolver would take for one (``127.1``, ``0x7f000001``)."""
    # Digits and dots of other scripts, and a dot at the end, mean the same to whoever looks the host up.
    plain = unicodedata.normalize("NFKC", host).replace("。", ".").partition("%")[0].rstrip(".")
    for read in (_as_written, _as_a_resolver_would):
        try:
            return read(plain)
        except (OSError, ValueError):
            continue
    return None


def _as_written(host: str) -> Address:
    return ipaddress.ip_address(host)


def _as_a_resolver_would(host: str) -> Address:
    return ipaddress.IPv4Address(socket.inet_aton(host))
