"""Images: which sources are accepted, which travel inside a request, which are uploaded, how results are saved."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kiln_client.checking import JPEG, PNG, damage, format_problem, size_problem
from kiln_client.errors import InvalidImage

ImageSource = str | os.PathLike[str] | bytes
"""A path, the bytes of an image, an ``https://`` address, or the reference of an upload."""

LARGEST_BYTES = 10 * 1024 * 1024
"""The contract's limit of one image."""

INLINE_BYTES = 3 * 1024 * 1024
"""The limit of all images inside one request: 4 MB as Base64, and a request may have 6 MB."""

_ADDRESSES = ("http://", "https://", "kiln-upload://", "data:")
_SUFFIXES = {PNG: ".png", JPEG: ".jpg", b"GIF8": ".gif"}
_LATER_SUFFIXES = {
    b"WEBP": ".webp",
    b"avif": ".avif",
    b"avis": ".avif",
    b"heic": ".heic",
    b"heix": ".heic",
    b"mif1": ".heic",
}
"""The suffixes by bytes 8 to 12, of formats that begin with a length."""


@dataclass(frozen=True, eq=False)
class Content:
    """An image with bytes to send.

    Attributes:
        name: Its path, for messages.
        content: Its bytes.
    """

    name: str
    content: bytes

    def inline(self) -> str:
        """The image as Base64, for a request's body."""
        return base64.b64encode(self.content).decode()


def read_image(source: ImageSource) -> Content | str:
    """Reads an image file; an address is returned unchanged.

    Raises:
        InvalidImage: The file does not exist, breaks a limit of the contract, or is damaged.
    """
    if isinstance(source, str) and source.startswith(_ADDRESSES):
        return source
    image = Content("image", source) if isinstance(source, bytes) else Content(str(source), _read(Path(source)))
    if not image.content:
        raise InvalidImage(f"{image.name}: must be a JPEG or PNG image, got an empty file")
    if problem := format_problem(image.content):
        raise InvalidImage(f"{image.name}: must be a JPEG or PNG image, got {problem}")
    if len(image.content) > LARGEST_BYTES:
        raise InvalidImage(f"{image.name}: must be at most 10 MB, got {len(image.content) / 1024 / 1024:.1f} MB")
    if damaged := damage(image.content):
        raise InvalidImage(f"{image.name}: must be a whole image, got {damaged}")
    if problem := size_problem(image.content):
        raise InvalidImage(f"{image.name}: {problem}")
    return image


def to_upload(images: Iterable[Content]) -> list[Content]:
    """Returns the images that do not fit into one request; the smaller ones travel inside it."""
    room = INLINE_BYTES
    left = []
    for image in sorted(images, key=lambda each: len(each.content)):
        room -= len(image.content)
        if room < 0:
            left.append(image)
    return left


def suffix(content: bytes) -> str:
    """The suffix of a file with this content; empty if it is no image that Kiln stores."""
    first = next((end for magic, end in _SUFFIXES.items() if content.startswith(magic)), "")
    return first or _LATER_SUFFIXES.get(content[8:12], "")


def write_whole(path: Path, content: bytes) -> Path:
    """Writes a file so that no other program sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InvalidImage(f"{path}: no such file") from None
    except OSError as error:
        raise InvalidImage(f"{path}: can't be read: {error.strerror or error}") from None
