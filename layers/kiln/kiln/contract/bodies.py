"""Says in words what a body is that cannot be read as JSON: another encoding, compressed, a form, or broken JSON."""

from __future__ import annotations

import re

LOST = "\ufffd"
"""The character that a gateway writes for a byte that it could not decode."""

_BOM = "\ufeff"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_FORM = re.compile(r"[\w.\[\]-]+=[^{}\s]*(?:&|\Z)")


def without_mark(body: str | bytes) -> str | bytes:
    """The body without the byte order mark that some editors put before UTF-8."""
    return body.removeprefix(_BOM.encode()) if isinstance(body, bytes) else body.removeprefix(_BOM)


def described_body(body: str | bytes, reason: str) -> str:
    """Describes a body that is not JSON in UTF-8, for a message.

    Args:
        body: As the gateway gave it: bytes, or a string in which undecodable bytes are ``LOST``.
        reason: What the JSON parser says.
    """
    head = body[:4_096]
    text = head.decode("utf-8", errors="replace") if isinstance(head, bytes) else head
    begins = text.lstrip().lower()
    if not text.strip("\x00 \t\r\n"):
        return "an empty body"
    if (isinstance(head, bytes) and head[:2] == b"\x1f\x8b") or text[:1] == "\x1f":
        return "a gzip body: send it without Content-Encoding"
    if (isinstance(head, bytes) and head[:2] in _UTF_16) or "\x00" in text[:4]:
        return "UTF-16 or UTF-32: send it in UTF-8"
    if begins.startswith("--") and "content-disposition: form-data" in begins:
        return "a multipart form: send JSON, with images as Base64, URLs or uploads"
    if begins.startswith("<"):
        return "an XML or HTML document"
    if _FORM.match(text):
        return "a URL-encoded form: send JSON"
    return _undecodable(body) or reason


def _undecodable(body: str | bytes) -> str | None:
    if isinstance(body, str):
        position = body.find(LOST)
        return f"an undecodable byte at character {position + 1}" if position >= 0 else None
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"byte 0x{body[error.start]:02x} at position {error.start + 1}"
    return None
