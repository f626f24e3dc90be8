"""The settings of both clients: address, key, and the options of their HTTP client."""

from __future__ import annotations

import os
from typing import Any

import httpx

from kiln_client.errors import InvalidSetting, NotConfigured
from kiln_client.request import Sender
from kiln_client.version import VERSION

TIMEOUT_SECONDS = 60.0
RETRIES = 4

_LOOPBACK = ("all://127.0.0.1", "all://localhost", "all://[::1]")


def sender(url: str | None, key: str | None, retries: int) -> Sender:
    """The sender for an address and a key; ``KILN_URL`` and ``KILN_KEY`` replace a missing one.

    Raises:
        NotConfigured: The address or the key is missing.
        InvalidSetting: The address or the key is malformed.
    """
    # A key that was read from a file often ends with a line break.
    url, key = url or os.environ.get("KILN_URL"), (key or os.environ.get("KILN_KEY") or "").strip()
    if not url or not key:
        missing = "url (or KILN_URL)" if not url else "key (or KILN_KEY)"
        raise NotConfigured(f"{missing} is required")
    if not (key.isascii() and key.isprintable()):
        # httpx would print the whole key in its own error.
        raise InvalidSetting("key: must be ASCII characters without line breaks")
    if not is_address(url):
        raise InvalidSetting(f"url: must start with https:// or http://, got {url}")
    return Sender(url.rstrip("/"), key, retries)


def is_address(url: str) -> bool:
    """Whether this is an ``https://`` or ``http://`` address of a host."""
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return address.scheme in {"https", "http"} and bool(address.host)


def http_options(timeout: float) -> dict[str, Any]:
    """The arguments of ``httpx.Client`` and ``httpx.AsyncClient``."""
    return {
        "timeout": timeout,
        "headers": {"User-Agent": f"kiln-client/{VERSION}"},
        # A proxy cannot reach this computer's own ports.
        "mounts": dict.fromkeys(_LOOPBACK),
    }
