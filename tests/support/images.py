"""Makes the images that tests need: small files of any size in pixels, as PNG, JPEG or something else."""

from __future__ import annotations

import base64
import io
import random
import zlib
from functools import cache

from PIL import Image

ORIENTATION = 0x0112
"""The EXIF tag that says how a camera was held; 6 means that the picture is shown turned by 90 degrees."""


@cache
def picture(width: int = 320, height: int = 320, form: str = "PNG", orientation: int | None = None) -> bytes:
    """A plain image of exactly this size."""
    exif = Image.Exif()
    if orientation is not None:
        exif[ORIENTATION] = orientation
    file = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(file, form, **({"exif": exif} if orientation is not None else {}))
    return file.getvalue()


def in_base64(content: bytes, prefix: str = "") -> str:
    """An image as an image field holds it."""
    return prefix + base64.b64encode(content).decode()


def padded(content: bytes, size: int) -> bytes:
    """The same PNG in a file of exactly this many bytes: one more chunk, or a few bytes behind its end."""
    missing = size - len(content)
    if missing < 12:
        return content + bytes(missing)
    chunk = b"kiLn" + bytes(missing - 12)
    return (
        content[:-12] + (missing - 12).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big") + content[-12:]
    )


def jpeg_with_long_metadata(size: int, metadata_bytes: int) -> bytes:
    """A JPEG whose size in pixels comes only after this many bytes of metadata, as some cameras write them."""
    plain = picture(size, size, "JPEG")
    comments = b""
    while len(comments) < metadata_bytes:
        comments += b"\xff\xfe" + (60_002).to_bytes(2, "big") + bytes(60_000)
    return plain[:2] + comments + plain[2:]


def photograph(side: int = 1024) -> bytes:
    """A square PNG with the detail of a photograph at every scale: its preview has the size of a photograph's."""
    dice = random.Random(1)
    drawn = Image.new("RGB", (side, side), "gray")
    grain = 4
    while grain <= side:
        noise = Image.frombytes("RGB", (grain, grain), dice.randbytes(grain * grain * 3))
        weight = 0.5 if grain == 4 else 0.13
        drawn = Image.blend(drawn, noise.resize((side, side), Image.Resampling.BICUBIC), weight)
        grain *= 2
    file = io.BytesIO()
    drawn.save(file, "PNG", compress_level=1)
    return file.getvalue()
