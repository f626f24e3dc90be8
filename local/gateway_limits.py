"""API Gateway's and Lambda's fixed limits, which the local AWS does not have (docs/adr/0080-local-and-aws.md)."""

from __future__ import annotations

import json
from collections.abc import Iterable

BODY_LIMIT = 10 * 1024 * 1024
"""The bytes of a body that API Gateway accepts."""

EVENT_LIMIT = 6 * 1024 * 1024
"""The bytes of an event that Lambda accepts; the body is a JSON string in it."""

HEADER_LIMIT = 10_240
"""The bytes of a request line and its headers that API Gateway accepts."""

TIMEOUT_SECONDS = 29.0
"""How long API Gateway waits for a function."""

_CONTEXT_BYTES = 1_500
"""About what an event holds beside the request: its route, its ids, its times."""

Headers = Iterable[tuple[bytes, bytes]]


def head_bytes(method: str, target: bytes, headers: Headers) -> int:
    """The size of a request line and its headers, as they are sent."""
    return len(f"{method}  HTTP/1.1\r\n") + len(target) + sum(len(name) + len(value) + 4 for name, value in headers)


def event_bytes(target: bytes, headers: Headers, body: bytes) -> int:
    """The size of the event that API Gateway would send to Lambda for a request, within about a kilobyte."""
    # The event has every header and every query parameter twice, once as a list; the path comes three times.
    head = 3 * len(target) + 2 * sum(len(name) + len(value) + 8 for name, value in headers)
    text = body.decode("utf-8", errors="replace")
    return len(json.dumps(text, ensure_ascii=False).encode()) + head + _CONTEXT_BYTES
