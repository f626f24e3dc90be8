"""Damaged images are refused before they are paid for: the structure is walked, pixels are not decoded."""

from __future__ import annotations

import io
import os
import zlib

import pytest
from PIL import Image, ImageFile

from kiln.images.inspection import ImageViolation, check_input
from kiln.images.structure import damage
from tests.support.images import jpeg_with_long_metadata, picture

TYPES = {"PNG": "image/png", "JPEG": "image/jpeg"}
MARK = b"\x89PNG\r\n\x1a\n"


def noise(form: str, **options: object) -> bytes:
    """An image whose data is most of its file."""
    file = io.BytesIO()
    Image.frombytes("RGB", (320, 320), os.urandom(320 * 320 * 3)).save(file, form, **options)
    return file.getvalue()


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def header(width: int = 320, height: int = 320, depth: int = 8, colour: int = 2) -> bytes:
    return chunk(b"IHDR", width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([depth, colour, 0, 0, 0]))


STREAM = zlib.compress(bytes(320 * 961))
DATA = chunk(b"IDAT", STREAM)
IN_PARTS = b"".join(chunk(b"IDAT", STREAM[at : at + 8]) for at in range(0, len(STREAM), 8))
END = chunk(b"IEND")
PLAIN = MARK + header() + DATA + END
JPEG = noise("JPEG")

WHOLE = {
    "png": noise("PNG"),
    "interlaced palette png": noise("PNG", optimize=True),
    "plain png": PLAIN,
    "png with bytes behind its end": PLAIN + b"\x00" * 40,
    "png in many chunks": MARK + header() + IN_PARTS + END,
    "jpeg": JPEG,
    "progressive jpeg": noise("JPEG", progressive=True),
    "jpeg with restart markers": noise("JPEG", restart_marker_blocks=1),
    "grey jpeg": picture(form="JPEG"),
    "jpeg with 2 MB of metadata": jpeg_with_long_metadata(320, 2_000_000),
    "jpeg with a video behind it": JPEG + b"\x00\x00\x00\x18ftypmp42" + os.urandom(9_000),
    "jpeg with padding before a marker": JPEG[:2] + b"\xff\xff" + JPEG[2:],
    "jpeg with a thumbnail in its metadata": JPEG[:2] + b"\xff\xe1\x10\x02" + (JPEG * 2)[:4096] + JPEG[2:],
}


@pytest.mark.parametrize("content", WHOLE.values(), ids=WHOLE)
def test_whole_image_is_accepted(content):
    assert damage(content, TYPES["PNG" if content.startswith(MARK) else "JPEG"]) is None


def test_images_listed_as_whole_are_decoded_by_pillow(monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", False)
    for content in WHOLE.values():
        Image.open(io.BytesIO(content)).load()


@pytest.mark.parametrize("form", TYPES)
@pytest.mark.parametrize("share", [0.1, 0.4, 0.6, 0.9, 0.999])
def test_truncated_image_is_cut_short(form, share):
    content = noise(form)
    cut = content[: int(len(content) * share)]
    assert f"a {form} that is cut short after {len(cut)} bytes" in str(damage(cut, TYPES[form]))


@pytest.mark.parametrize("form", TYPES)
def test_every_cut_of_a_small_image_is_refused(form):
    content = picture(form=form)
    for length in range(1, len(content)):
        with pytest.raises(ImageViolation):
            check_input(content[:length])


@pytest.mark.parametrize("form", TYPES)
def test_any_flipped_byte_of_a_header_is_an_answer_and_no_crash(form):
    content = picture(form=form)
    for position in range(min(len(content), 700)):
        broken = bytearray(content)
        broken[position] ^= 0xFF
        damage(bytes(broken), TYPES[form])


def test_every_flipped_byte_of_a_png_is_damage():
    content = picture()
    for position in range(8, len(content)):
        broken = bytearray(content)
        broken[position] ^= 0x01
        assert damage(bytes(broken), "image/png"), position


DAMAGED = {
    "wrong checksum": (
        PLAIN[:60] + bytes([PLAIN[60] ^ 1]) + PLAIN[61:],
        "a PNG with a wrong checksum in its chunk IDAT",
    ),
    "no image data": (MARK + header() + END, "a PNG without image data"),
    "empty image data": (MARK + header() + chunk(b"IDAT") + END, "a PNG without image data"),
    "no header": (MARK + DATA + END, "a PNG without a header"),
    "no palette": (MARK + header(colour=3) + DATA + END, "a PNG without its palette"),
    "no such colours": (MARK + header(colour=5) + DATA + END, "a PNG with a damaged header"),
    "no zlib stream": (MARK + header() + chunk(b"IDAT", b"\x00" * 999) + END, "a PNG with damaged image data"),
    "letters that are none": (MARK + header() + b"\x00\x00\x00\x00\x00\x01\x02\x03" * 2, "a PNG with a damaged chunk"),
    "zeros in the middle": (MARK + header() + bytes(4_000), "a PNG with a damaged chunk at byte 33"),
    "bomb": (
        MARK + header(60_000, 60_000) + DATA + END,
        f"a PNG with {len(DATA) - 12} bytes of data for 60000 x 60000",
    ),
    "absurd size": (
        MARK + header(30_000, 12_000, 1, 0) + chunk(b"IDAT", zlib.compress(bytes(12_000 * 3_751))) + END,
        "30000 x 12000 px, over 250 megapixels",
    ),
    "too many chunks": (MARK + header() + chunk(b"teSt") * 20_001 + DATA + END, "a PNG with more than 20000 chunks"),
    "jpeg without data": (JPEG[: JPEG.find(b"\xff\xda")] + b"\xff\xd9", "a JPEG without image data"),
    "jpeg with an empty scan": (JPEG[: JPEG.find(b"\xff\xda") + 14] + b"\xff\xd9", "a JPEG without image data"),
    "jpeg of zeros": (JPEG[:4_000] + bytes(len(JPEG) - 4_000), "a JPEG that is cut short"),
    "jpeg without its end": (JPEG[:-2], "a JPEG that is cut short"),
    "jpeg with a wrong length": (JPEG[:4] + b"\x00\x00" + JPEG[6:], "a JPEG with a damaged segment"),
    "jpeg of padding": (b"\xff\xd8" + b"\xff" * 30_000, "a JPEG with more than 20000 segments"),
}


def test_jpeg_with_too_little_data_for_its_size_is_refused():
    at = JPEG.find(b"\xff\xc0") + 5
    larger = JPEG[:at] + (12_000).to_bytes(2, "big") + (30_000).to_bytes(2, "big") + JPEG[at + 4 :]
    assert "bytes of data for 30000 x 12000 px" in str(damage(larger, "image/jpeg"))


@pytest.mark.parametrize(("content", "described"), DAMAGED.values(), ids=DAMAGED)
def test_damage_is_described(content, described):
    kind = "image/png" if content.startswith(MARK) else "image/jpeg"
    assert str(damage(content, kind)).startswith(described)


def test_damaged_input_is_refused_with_the_damage():
    with pytest.raises(ImageViolation, match="must be a whole, undamaged image") as refused:
        check_input(JPEG[: len(JPEG) * 6 // 10])
    assert refused.value.got.startswith("a JPEG that is cut short")
