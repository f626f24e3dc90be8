"""Judges URLs and addresses: keeps the URLs of callers and of the provider out of the network that Kiln runs in."""

from __future__ import annotations

import ipaddress
import socket
import unicodedata
from collections.abc import Iterable
from urllib.parse import urlsplit

from kiln.settings import AddressRules

HTTPS_PORTS = frozenset({443, 8443})
HTTP_PORTS = frozenset({80, 8080})

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NOT_PUBLIC = (
    ipaddress.ip_network("192.0.0.0/24"),  # For protocols; Python 3.11 counts most of it as global.
    ipaddress.ip_network("192.88.99.0/24"),  # The relays of 6to4: the nearest one takes it.
    ipaddress.ip_network("fec0::/10"),  # Site-local, which Python counts as global.
    ipaddress.ip_network("3fff::/20"),  # Documentation, later than the Python versions that run this.
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class ForbiddenAddress(Exception):
    """Kiln must not connect there; the message says why, without naming the address behind a name."""


def check_url(url: str, rules: AddressRules) -> None:
    """Judges a URL by itself, without resolving its host.

    Raises:
        ForbiddenAddress: Scheme, host, credentials, port or a literal address are not allowed.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ForbiddenAddress("must be an http(s) URL") from error
    if parts.scheme != "https" and not (parts.scheme == "http" and rules.allow_http):
        raise ForbiddenAddress("must be an https URL")
    if not parts.hostname:
        raise ForbiddenAddress("must be an http(s) URL with a host")
    # A resolver refuses such labels; a dot at the end belongs to none of them.
    if not all(0 < len(label) < 64 for label in parts.hostname.removesuffix(".").split(".")):
        raise ForbiddenAddress("must have a host of labels of 1 to 63 characters")
    if parts.username is not None or parts.password is not None:
        raise ForbiddenAddress("must not hold a user name or a password")
    allowed = HTTPS_PORTS if parts.scheme == "https" else HTTPS_PORTS | HTTP_PORTS
    if port is not None and port not in allowed and not rules.allow_private:
        raise ForbiddenAddress(f"port must be one of {', '.join(str(each) for each in sorted(allowed))}")
    literal = _literal(parts.hostname)
    if literal is not None and not rules.allow_private and not is_public(literal):
        raise ForbiddenAddress("must not be a private, link-local or otherwise internal address")


def check_addresses(found: Iterable[str]) -> None:
    """Judges every address that a host has.

    Raises:
        ForbiddenAddress: One of them is internal.
    """
    if not all(is_public(ipaddress.ip_address(each.partition("%")[0])) for each in found):
        raise ForbiddenAddress("the host leads to a private, link-local or otherwise internal address")


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host.

    Raises:
        OSError: It has none at present.
        UnicodeError: No host can have this name.
    """
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


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


def _literal(host: str) -> Address | None:
    """The address that a host *is*, in any spelling that a resolver would take for one (``127.1``, ``0x7f000001``)."""
    # Digits and dots of other scripts, and a dot at the end, mean the same to a resolver.
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
