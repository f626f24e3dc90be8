"""Checks an image's bytes: its type by content, its size as shown, and whether it is whole. Never decodes pixels."""

from __future__ import annotations

import io
from dataclasses import dataclass

from kiln.images.described import advised, described
from kiln.images.formats import INPUT_TYPES, PNG, content_type_of
from kiln.images.limits import IMAGE_BYTES, IMAGE_RATIO, IMAGE_SIDE_PIXELS
from kiln.images.structure import damage

BY_CONTENT = "must be a jpg, jpeg or png image by its content"
"""The limit that the format of an input breaks."""

_TAIL_BYTES = 4_096
_READABLE = "must be a readable image"
_CGBI = slice(len(PNG) + 4, len(PNG) + 8)
_NAMES = {"image/png": "PNG", "image/jpeg": "JPEG"}


class ImageViolation(ValueError):
    """An image breaks a limit; ``str()`` is the limit, ``got`` is what was found."""

    def __init__(self, limit: str, got: str) -> None:
        super().__init__(limit)
        self.got = got


@dataclass(frozen=True)
class ImageFacts:
    """Type and size of an image, by its content.

    Attributes:
        content_type: ``image/png`` or ``image/jpeg``.
        width: In pixels, as shown (an EXIF rotation is applied).
        height: In pixels, as shown.
    """

    content_type: str
    width: int
    height: int


def inspect(head: bytes) -> ImageFacts:
    """Reads type and size from an image's first bytes (all of it, or at least its headers).

    Raises:
        ImageViolation: It is neither PNG nor JPEG, or its size cannot be read.
    """
    import imagesize  # noqa: PLC0415 - most functions only name images

    content_type = content_type_of(head)
    if content_type is None or content_type not in INPUT_TYPES:
        raise ImageViolation(BY_CONTENT, described(head))
    if head[_CGBI] == b"CgBI":
        raise ImageViolation(BY_CONTENT, "an iPhone-optimised PNG: export it as JPEG or as an ordinary PNG")
    header = f"a {_NAMES[content_type]} with a damaged header"
    try:
        width, height = imagesize.get(io.BytesIO(head))
    except (ValueError, OSError, IndexError) as error:
        raise ImageViolation(_READABLE, header) from error
    if width <= 0 or height <= 0:
        raise ImageViolation(_READABLE, header)
    return ImageFacts(content_type, width, height)


def is_whole(tail: bytes, content_type: str) -> bool:
    """Whether an image's last bytes (4 KB suffice) hold the marker that ends its format.

    A few bytes after the marker are tolerated, as encoders do leave some.
    """
    marker = b"IEND" if content_type == "image/png" else b"\xff\xd9"
    return marker in tail[-_TAIL_BYTES:]


def check_input(content: bytes) -> ImageFacts:
    """Checks a whole input image: type, bytes, sides and ratio (contract), and that no part is missing or damaged.

    Raises:
        ImageViolation: A limit is broken.
    """
    check_size(len(content))
    if content_type_of(content) not in INPUT_TYPES:
        raise ImageViolation(BY_CONTENT, advised(content))
    facts = inspect(content)
    check_shape(facts)
    damaged = damage(content, facts.content_type)
    if damaged is not None:
        raise ImageViolation("must be a whole, undamaged image", damaged)
    return facts


def check_size(size: int) -> None:
    """Checks the number of bytes: at least 1, at most 10 MB (contract).

    Raises:
        ImageViolation: The limit is broken.
    """
    if size == 0:
        raise ImageViolation(BY_CONTENT, "an empty file")
    if size > IMAGE_BYTES:
        raise ImageViolation(f"must be at most 10 MB ({IMAGE_BYTES} bytes)", f"{size} bytes")


def check_shape(facts: ImageFacts) -> None:
    """Checks sides (at least 300 px) and ratio (1:2.5 to 2.5:1) (contract).

    Raises:
        ImageViolation: A limit is broken.
    """
    got = f"{facts.width} x {facts.height} px"
    if min(facts.width, facts.height) < IMAGE_SIDE_PIXELS:
        raise ImageViolation(f"each side must be at least {IMAGE_SIDE_PIXELS} px", got)
    longest, shortest = max(facts.width, facts.height), min(facts.width, facts.height)
    if longest > shortest * IMAGE_RATIO:
        raise ImageViolation("width to height must be from 1:2.5 to 2.5:1", got)
