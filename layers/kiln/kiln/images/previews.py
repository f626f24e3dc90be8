"""Makes the preview of a generated image: 512 pixels at most, for pages that show many images at once.

Pillow is in the package of the collect function alone, and is imported when the first preview is made.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from kiln.images import storage
from kiln.images.stored import PreviewFile, StoredImage

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE_PIXELS = 512
CONTENT_TYPE = "image/webp"

_QUALITY = 60
"""A page of 24 cards stays below 0.7 MB with photographs too (ADR 0146)."""
_LARGEST_BYTES = 32 * 1024 * 1024
_LARGEST_PIXELS = 30_000_000
"""A decoded pixel takes 4 bytes; the function has 1 GB."""


def with_preview(image: StoredImage, *, bucket: str, prefix: str) -> tuple[StoredImage, str]:
    """Stores a preview of an image. Returns the image with it, and why there is none if there is none.

    An image without a preview is still a result, so no failure is raised.
    """
    if image.size > _LARGEST_BYTES:
        return image, f"it has {image.size} bytes, more than {_LARGEST_BYTES}"
    try:
        content = make_preview(storage.read(bucket, image.key))
        key = f"{prefix}/{image.index}-preview.webp"
        storage.store(bucket, key, content, CONTENT_TYPE)
    except Exception as error:  # noqa: BLE001 - the image is paid for and stored, whatever Pillow or S3 says
        return image, f"{type(error).__name__}: {error}"
    preview = PreviewFile(key=key, size=len(content), content_type=CONTENT_TYPE)
    return image.model_copy(update={"preview": preview}), ""


def make_preview(content: bytes) -> bytes:
    """The image as WebP, upright, its longer side at most ``SIDE_PIXELS``.

    Raises:
        ValueError: It has more pixels than fit into the function's memory.
        OSError: Pillow cannot read it.
    """
    from PIL import Image, ImageOps  # noqa: PLC0415 - 60 ms of CPU, and in one function's package alone

    with Image.open(io.BytesIO(content)) as opened:
        if opened.width * opened.height > _LARGEST_PIXELS:
            raise ValueError(f"it has {opened.width} x {opened.height} pixels, more than {_LARGEST_PIXELS}")
        # A JPEG is decoded at the smallest scale that is large enough.
        opened.draft("RGB", (SIDE_PIXELS, SIDE_PIXELS))
        upright = ImageOps.exif_transpose(_in_colours(opened))
        upright.thumbnail((SIDE_PIXELS, SIDE_PIXELS), reducing_gap=2.0)
        file = io.BytesIO()
        upright.save(file, "WEBP", quality=_QUALITY, method=4)
        return file.getvalue()


def _in_colours(opened: Image) -> Image:
    """The image in one of the two modes that WebP has."""
    return opened.convert("RGBA" if opened.has_transparency_data else "RGB")
