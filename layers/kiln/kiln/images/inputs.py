"""The images a request brings: a URL for the provider to read, bytes sent as Base64, or an object already in S3."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote, urlsplit

from kiln.images.inspection import BY_CONTENT, ImageFacts, ImageViolation, check_input, check_size
from kiln.images.limits import IMAGE_BYTES, IMAGE_URL_CHARACTERS

_DATA_URL = re.compile(r"\Adata:[^,]{0,200};\s{0,9}base64\s{0,9},", re.IGNORECASE)
_FORM = "must be an http(s) URL or a Base64 image"
_SPACES = ("\n", "\r", "\t", " ")
_PLUS_LOST = "must be Base64 with its + signs"
_NAME_CHARACTERS = 1_024
"""S3 names nothing longer."""


@dataclass(frozen=True)
class S3Image:
    """An image that lies in S3 and has been checked: where, which version of it, and what tells its content."""

    bucket: str
    key: str
    version_id: str | None = None
    etag: str = ""


@dataclass(frozen=True)
class InputImage:
    """One input image, checked as far as it can be without leaving the process: exactly one of the three is set.

    Attributes:
        url: Left to the provider to fetch and check.
        content: The image's bytes, checked.
        stored: An object in S3, checked, or to be checked, by the code that offers it.
        facts: Of the bytes, when there are any.
    """

    url: str | None = None
    content: bytes | None = None
    stored: S3Image | None = None
    facts: ImageFacts | None = None


class Offer(Protocol):
    """Images in S3 that an image field may name."""

    def get(self, name: str, /) -> S3Image | None:
        """The image of this name, or ``None`` if there is none."""


def read_input(text: str, offered: Offer) -> InputImage:
    """Reads an image field: a name among those ``offered``, a URL, or Base64 with or without a ``data:`` prefix.

    Raises:
        ImageViolation: It is none of them, or the bytes break a limit of the contract.
    """
    # A longer string is not looked up: the hash of a megabyte of Base64 costs more than to decode it.
    stored = _offered(text, offered) if len(text) <= _NAME_CHARACTERS else None
    if stored is not None:
        return InputImage(stored=stored)
    text = text.strip()
    if text[:8].lower().startswith(("http://", "https://")):
        return InputImage(url=_checked_url(text))
    content = _decoded(text)
    return InputImage(content=content, facts=check_input(content))


def _offered(text: str, offered: Offer) -> S3Image | None:
    found = offered.get(text)
    bare = text.strip()
    return offered.get(bare) if found is None and bare != text else found


def looks_like_a_name(text: str) -> bool:
    """Whether an image field names a file rather than holding a URL or an image itself."""
    # iVBORw0KGgo and /9j/ are how a PNG and a JPEG begin in Base64: even a tiny image is not taken for a name.
    return len(text) <= _NAME_CHARACTERS and not re.match(r"\s*(?:(?i:https?://|data:)|iVBORw0KGgo|[/_]9j[/_])", text)


def _checked_url(text: str) -> str:
    if len(text) > IMAGE_URL_CHARACTERS:
        raise ImageViolation(f"a URL must be at most {IMAGE_URL_CHARACTERS} characters", f"{len(text)} characters")
    try:
        has_host = bool(urlsplit(text).hostname)
    except ValueError:
        has_host = False
    if not has_host or re.search(r"[\s\x00-\x1f]", text):
        raise ImageViolation(_FORM, f"'{text[:80]}'")
    return text


def _decoded(text: str) -> bytes:
    import pybase64  # noqa: PLC0415 - most functions only name images

    encoded = _plain_base64(text)
    # Base64 makes 4 characters of 3 bytes: what is too long is refused before it costs memory to decode.
    check_size(len(encoded) * 3 // 4 if len(encoded) * 3 // 4 > IMAGE_BYTES + 2 else 1)
    if not encoded:
        raise ImageViolation(BY_CONTENT, "an empty string")
    try:
        return pybase64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        got = f"'{text}'" if len(text) <= 80 else f"a string of {len(text)} characters"
        raise ImageViolation(_FORM, got) from error


def _plain_base64(text: str) -> str:
    """Base64 in the standard alphabet and without white space, of what clients write: data URLs, wrapped, URL-safe."""
    encoded = _DATA_URL.sub("", text, count=1)
    if len(encoded) != len(text) and "%" in encoded:
        encoded = unquote(encoded)
    if " " in encoded:
        _check_spaces(encoded)
    for space in _SPACES:
        if space in encoded:
            encoded = encoded.replace(space, "")
    if "-" in encoded or "_" in encoded:
        encoded = encoded.replace("-", "+").replace("_", "/")
    return encoded


def _check_spaces(encoded: str) -> None:
    """Refuses spaces that were plus signs: a form decodes ``+`` so, and the image would be another one.

    Raises:
        ImageViolation: There are spaces, no plus sign, and the spaces are not where lines end.
    """
    lines = encoded.split()
    if "+" not in encoded and "-" not in encoded and len({len(line) for line in lines[:-1]}) > 1:
        raise ImageViolation(_PLUS_LOST, "spaces instead: write + as %2B in a form")
