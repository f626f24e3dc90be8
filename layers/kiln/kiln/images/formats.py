"""The image formats: how each is known by its first bytes, its content type and its file name extension."""

from __future__ import annotations

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"

EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/avif": "avif",
    "image/gif": "gif",
    "image/heic": "heic",
}
"""The file name extension of each content type that Kiln stores as a result."""

INPUT_TYPES = frozenset({"image/png", "image/jpeg"})
"""The content types that the contract takes as an input."""

_ISO_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"heim": "image/heic",
    b"heis": "image/heic",
    b"hevc": "image/heic",
    b"hevx": "image/heic",
    b"mif1": "image/heic",
    b"msf1": "image/heic",
}


def content_type_of(content: bytes) -> str | None:
    """The content type of an image by its first bytes (32 suffice), or ``None`` for anything but the types above."""
    if content.startswith(PNG):
        return "image/png"
    if content.startswith(JPEG):
        return "image/jpeg"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return _ISO_BRANDS.get(content[8:12]) if content[4:8] == b"ftyp" else None
