"""Images of any number of bytes, which the product takes for whole ones: made for measuring, not for looking at."""

from __future__ import annotations

import io
import random

from PIL import Image

_END = 12
"""Bytes of the chunk that ends a PNG."""


def png_of(size: int) -> bytes:
    """A PNG of 1024 by 1024 pixels in exactly ``size`` bytes, its filling as incompressible as real pixels are."""
    file = io.BytesIO()
    Image.new("RGB", (1_024, 1_024), "teal").save(file, "PNG")
    plain = file.getvalue()
    filling = random.Random(size).randbytes(size - len(plain))
    return plain[:-_END] + filling + plain[-_END:]
