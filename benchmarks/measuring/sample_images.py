"""Images made for measuring: a PNG of any number of bytes, and a small JPEG of noise."""

from __future__ import annotations

import base64
import io
import random
import zlib

from PIL import Image

_END_BYTES = 12
"""The chunk that ends a PNG."""


def png_of(size: int) -> bytes:
    """Return a PNG of 1024 by 1024 pixels in exactly ``size`` bytes, filled with incompressible bytes."""
    file = io.BytesIO()
    Image.new("RGB", (1_024, 1_024), "teal").save(file, "PNG")
    plain = file.getvalue()
    # A chunk has a length, a name of four letters and a checksum around its content.
    chunk = b"kiLn" + random.Random(size).randbytes(size - len(plain) - 12)
    length, checksum = (len(chunk) - 4).to_bytes(4, "big"), zlib.crc32(chunk).to_bytes(4, "big")
    return plain[:-_END_BYTES] + length + chunk + checksum + plain[-_END_BYTES:]


def jpeg_of_noise() -> bytes:
    """Return a JPEG of 400 by 400 pixels of noise."""
    file = io.BytesIO()
    Image.effect_noise((400, 400), 60).convert("RGB").save(file, "JPEG")
    return file.getvalue()


def base64_of(image: bytes) -> str:
    """Return an image as a request's body has it."""
    return base64.b64encode(image).decode()
