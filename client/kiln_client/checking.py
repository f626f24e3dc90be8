"""Checks a file before it is sent: its format by its first bytes, and that its end is there. The API checks more."""

from __future__ import annotations

import zlib

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"

SIDE_PIXELS = 300
"""The contract's least length of a side."""

RATIO = 2.5
"""The contract's largest ratio of the sides."""

_NO_FRAME = frozenset({0xC4, 0xC8, 0xCC})
"""Markers between those of a JPEG's frames that hold no size."""

_EXPORT = "export it as JPEG"
_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"GIF8", f"a GIF; {_EXPORT}"),
    (b"BM", f"a BMP; {_EXPORT}"),
    (b"II*\x00", f"a TIFF; {_EXPORT}"),
    (b"MM\x00*", f"a TIFF; {_EXPORT}"),
    (b"\x00\x00\x00\x0cjP  ", f"a JPEG 2000 image; {_EXPORT}"),
    (b"8BPS", f"a Photoshop file; {_EXPORT}"),
    (b"%PDF", "a PDF; export its page as JPEG"),
    (b"PK\x03\x04", "a ZIP archive; send the images in it one by one"),
)
_BRANDS = {b"avif": "an AVIF image", b"avis": "an AVIF image", b"heic": "a HEIC image", b"heix": "a HEIC image"}


def format_problem(content: bytes) -> str | None:
    """The name of a format that the API does not take, and what to do; ``None`` for a JPEG or PNG."""
    if content.startswith(JPEG) or (content.startswith(PNG) and content[12:16] != b"CgBI"):
        return None
    if content.startswith(PNG):
        return "an iPhone-optimised PNG; export it as JPEG"
    for beginning, described in _BEGINNINGS:
        if content.startswith(beginning):
            return described
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return f"a WebP; {_EXPORT}"
    if content[4:8] == b"ftyp":
        found = next((_BRANDS[brand] for brand in _brands(content) if brand in _BRANDS), None)
        return f"{found}; {_EXPORT}" if found else "a video; save one frame of it as JPEG"
    beginning = content[:1_024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if beginning.startswith((b"<!doctype html", b"<html")):
        return "an HTML page; save the image itself"
    if b"<svg" in beginning:
        return "an SVG drawing; export it as PNG"
    return "another kind of file"


def damage(content: bytes) -> str | None:
    """How a JPEG or PNG is damaged: cut short, or a part of it changed; ``None`` if nothing is seen of that."""
    return _png_damage(content) if content.startswith(PNG) else _jpeg_damage(content)


def size_problem(content: bytes) -> str | None:
    """The limit that the sides of a whole JPEG or PNG break, and its sides; ``None`` if they break none."""
    width, height = _sides(content)
    if not width or not height:
        return None
    got = f"got {width} x {height} px"
    if min(width, height) < SIDE_PIXELS:
        return f"each side must be at least {SIDE_PIXELS} px, {got}"
    if max(width, height) > RATIO * min(width, height):
        return f"width to height must be from 1:{RATIO} to {RATIO}:1, {got}"
    return None


def _sides(content: bytes) -> tuple[int, int]:
    """Width and height as they are stored; zeros if they are not found. The API checks them again."""
    if content.startswith(PNG):
        return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    position = 2
    while position + 9 <= len(content) and content[position] == 0xFF:
        kind = content[position + 1]
        if kind == 0xFF:
            position += 1
        elif 0xC0 <= kind <= 0xCF and kind not in _NO_FRAME:
            height, width = content[position + 5 : position + 7], content[position + 7 : position + 9]
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
        else:
            position += 2 + int.from_bytes(content[position + 2 : position + 4], "big")
    return 0, 0


def _png_damage(content: bytes) -> str | None:
    view, position = memoryview(content), len(PNG)
    while position + 12 <= len(content):
        end = position + 12 + int.from_bytes(view[position : position + 4], "big")
        kind = content[position + 4 : position + 8]
        if end > len(content):
            break
        if zlib.crc32(view[position + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            return "a damaged PNG"
        if kind == b"IEND":
            return None
        position = end
    return "a PNG that is cut short"


def _jpeg_damage(content: bytes) -> str | None:
    # Metadata can hold a small JPEG with its own end, so the search begins behind the image's own scan.
    position = 2
    while position + 4 <= len(content) and content[position] == 0xFF and content[position + 1] != 0xDA:
        is_padding = content[position + 1] == 0xFF
        position += 1 if is_padding else 2 + int.from_bytes(content[position + 2 : position + 4], "big")
    return None if content.find(b"\xff\xd9", position) >= 0 else "a JPEG that is cut short"


def _brands(content: bytes) -> list[bytes]:
    length = min(int.from_bytes(content[:4], "big"), 256)
    return [content[8:12], *(content[at : at + 4] for at in range(16, length, 4))]
