"""The image formats: how each is known by its first bytes, its content type and its file name extension."""

from __future__ import annotations

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"

EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg"}
"""The file name extension of each content type that Kiln stores."""


def content_type_of(content: bytes) -> str | None:
    """``image/png`` or ``image/jpeg`` by the first bytes, or ``None`` for anything else."""
    if content.startswith(PNG):
        return "image/png"
    if content.startswith(JPEG):
        return "image/jpeg"
    return None


def described(head: bytes) -> str:
    """The name of a format that the contract does not take, for a message to a person."""
    if head.startswith(b"GIF8"):
        return "a GIF"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "a WebP"
    if head.startswith(b"BM"):
        return "a BMP"
    return "bytes that are neither"
