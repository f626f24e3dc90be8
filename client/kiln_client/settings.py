"""What both clients are made with: address, key, and how their HTTP client is set."""

from __future__ import annotations

import os
from typing import Any

import httpx

from kiln_client.errors import NotConfigured
from kiln_client.exchange import Exchange
from kiln_client.version import VERSION

TIMEOUT_SECONDS = 60.0
RETRIES = 4

_LOOPBACK = ("all://127.0.0.1", "all://localhost", "all://[::1]")


def exchange(url: str | None, key: str | None, retries: int) -> Exchange:
    """How calls are made, from what was given or else from ``KILN_URL`` and ``KILN_KEY``.

    Raises:
        NotConfigured: One of the two is missing, or cannot be one.
    """
    # What a key was read from often ends with a line break.
    url, key = url or os.environ.get("KILN_URL"), (key or os.environ.get("KILN_KEY") or "").strip()
    if not url or not key:
        missing = "url (or KILN_URL)" if not url else "key (or KILN_KEY)"
        raise NotConfigured(f"{missing}: must be given")
    if not (key.isascii() and key.isprintable()):
        # Further on it would be told in full, as a header that cannot be sent.
        raise NotConfigured("key: must be ASCII characters without line breaks")
    try:
        is_address = httpx.URL(url).scheme in {"https", "http"} and bool(httpx.URL(url).host)
    except httpx.InvalidURL:
        is_address = False
    if not is_address:
        raise NotConfigured(f"url: must be an https:// or http:// address, got {url}")
    return Exchange(url.rstrip("/"), key, retries)


def http_options(timeout: float) -> dict[str, Any]:
    """What ``httpx.Client`` and ``httpx.AsyncClient`` are made with."""
    return {
        "timeout": timeout,
        "headers": {"User-Agent": f"kiln-client/{VERSION}"},
        # A proxy of the environment has no business between two ports of one computer.
        "mounts": dict.fromkeys(_LOOPBACK),
    }
