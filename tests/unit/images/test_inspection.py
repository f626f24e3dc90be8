"""Type by content, size as shown, the contract's limits to the pixel and the byte, and whether an image is whole."""

from __future__ import annotations

import pytest

from kiln.images.inspection import (
    ImageFacts,
    ImageViolation,
    check_input,
    check_shape,
    check_size,
    inspect,
    is_whole,
)
from tests.support.images import jpeg_with_long_metadata, padded, picture

LIMIT = 10 * 1024 * 1024
CGBI = picture()[:8] + b"\x00\x00\x00\x04CgBI\x50\x00\x20\x02\x2b\xd5\xb3\x7f" + picture()[8:]


@pytest.mark.parametrize(("form", "content_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
def test_png_and_jpeg_are_known_by_their_content(form, content_type):
    assert check_input(picture(321, 345, form)) == ImageFacts(content_type, 321, 345)


EXPORT = "export it as JPEG"
FRAME = "save one frame of it as JPEG"
ITSELF = "send the image itself"


def boxed(brand: bytes, *compatible: bytes) -> bytes:
    """The beginning of a file of ISO media boxes."""
    box = b"ftyp" + brand + bytes(4) + b"".join(compatible)
    return (len(box) + 4).to_bytes(4, "big") + box + bytes(400)


NAMED = {
    "gif": (picture(form="GIF"), f"a GIF: {EXPORT}"),
    "webp": (picture(form="WEBP"), f"a WebP: {EXPORT}"),
    "bmp": (picture(form="BMP"), f"a BMP: {EXPORT}"),
    "tiff": (picture(form="TIFF"), f"a TIFF: {EXPORT}"),
    "tiff, big-endian": (b"MM\x00*\x00\x00\x00\x08", f"a TIFF: {EXPORT}"),
    "ico": (picture(form="ICO"), f"an icon (ICO): {EXPORT}"),
    "jpeg 2000": (b"\x00\x00\x00\x0cjP  \r\n\x87\n", f"a JPEG 2000 image: {EXPORT}"),
    "jpeg 2000 stream": (b"\xff\x4f\xff\x51\x00\x2f", f"a JPEG 2000 image: {EXPORT}"),
    "jpeg xl": (b"\xff\x0a\xfa\x7f", f"a JPEG XL image: {EXPORT}"),
    "heic": (boxed(b"heic", b"mif1", b"heic"), f"a HEIC image: {EXPORT}"),
    "heic as mif1": (boxed(b"mif1", b"heic"), f"a HEIC image: {EXPORT}"),
    "avif": (boxed(b"avif", b"mif1"), f"an AVIF image: {EXPORT}"),
    "avif as mif1": (boxed(b"mif1", b"miaf", b"avif"), f"an AVIF image: {EXPORT}"),
    "raw": (boxed(b"crx ", b"isom"), f"a camera's raw file: {EXPORT}"),
    "mp4": (boxed(b"isom", b"iso2", b"avc1"), f"a video (MP4): {FRAME}"),
    "mov": (boxed(b"qt  "), f"a video (MOV): {FRAME}"),
    "webm": (b"\x1aE\xdf\xa3\x9f", f"a video (WebM or Matroska): {FRAME}"),
    "avi": (b"RIFF\x00\x00\x00\x00AVI LIST", f"a video (AVI): {FRAME}"),
    "wav": (b"RIFF\x00\x00\x00\x00WAVEfmt ", "a RIFF file: send a JPEG or PNG"),
    "psd": (b"8BPS\x00\x01", f"a Photoshop file: {EXPORT}"),
    "pdf": (b"%PDF-1.7\n", "a PDF: export its page as JPEG"),
    "zip": (b"PK\x03\x04\x14\x00", "a ZIP archive: send the images in it one by one"),
    "gzip": (b"\x1f\x8b\x08\x00", "a gzip file: send the image uncompressed"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing: export it as PNG"),
    "svg, declared": (b"<?xml version='1.0'?>\n<!-- x --><svg width='9'>", "an SVG drawing: export it as PNG"),
    "html": (b"\n<!DOCTYPE html><html>", "an HTML page: send the image, or its own address"),
    "html with a bom": (b"\xef\xbb\xbf<html>", "an HTML page: send the image, or its own address"),
    "xml": (b"<Error><Code>AccessDenied</Code></Error>", f"an XML document: {ITSELF}"),
    "text": (b"hello", f"plain text: {ITSELF}"),
    "chinese text": ("一张猫的图".encode(), f"plain text: {ITSELF}"),
    "json": (b'{"image": 1}', f"plain text: {ITSELF}"),
    "half a character": ("猫".encode() * 2_000, f"plain text: {ITSELF}"),
    "three bytes": (b"\x89PN", "bytes of no known image format: send a JPEG or PNG"),
    "noise": (bytes(range(128, 256)) * 9, "bytes of no known image format: send a JPEG or PNG"),
    "iphone": (CGBI, "an iPhone-optimised PNG: export it as JPEG or as an ordinary PNG"),
}


@pytest.mark.parametrize(("content", "got"), NAMED.values(), ids=NAMED)
def test_other_format_is_refused_by_its_name_with_what_to_do(content, got):
    with pytest.raises(ImageViolation, match="must be a jpg, jpeg or png image by its content") as refused:
        check_input(content)
    assert refused.value.got == got


@pytest.mark.parametrize(("content", "got"), NAMED.values(), ids=NAMED)
def test_head_of_a_result_is_named_without_advice(content, got):
    with pytest.raises(ImageViolation) as refused:
        inspect(content)
    assert refused.value.got == (got if content is CGBI else got.partition(":")[0])


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_an_exif_rotation_swaps_the_sides(orientation):
    facts = inspect(picture(900, 400, "JPEG", orientation))
    assert (facts.width, facts.height) == (400, 900)


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_other_exif_orientations_do_not(orientation):
    facts = inspect(picture(900, 400, "JPEG", orientation))
    assert (facts.width, facts.height) == (900, 400)


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("kept", [8, 9, 12, 20])
def test_a_header_that_ends_too_early_is_a_violation_not_a_crash(form, kept):
    with pytest.raises(ImageViolation, match=r"must be a readable image|by its content"):
        inspect(picture(form=form)[:kept])


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_any_cut_and_any_flipped_byte_of_the_header_is_facts_or_a_violation(form):
    content = picture(form=form)
    for position in range(min(len(content), 400)):
        broken = bytearray(content)
        broken[position] ^= 0xFF
        for sample in (bytes(broken), content[:position]):
            try:
                facts = inspect(sample)
            except ImageViolation:
                continue
            assert facts.width > 0
            assert facts.height > 0


def test_a_size_that_comes_late_in_a_jpeg_is_found_when_enough_is_read():
    content = jpeg_with_long_metadata(320, 150_000)
    assert inspect(content).width == 320
    with pytest.raises(ImageViolation):
        inspect(content[:100_000])


@pytest.mark.parametrize(("width", "height"), [(300, 300), (750, 300), (300, 750), (10_000, 4_000)])
def test_the_limits_of_the_shape_themselves_are_allowed(width, height):
    check_shape(ImageFacts("image/png", width, height))


@pytest.mark.parametrize(
    ("width", "height", "limit"),
    [
        (299, 300, "each side must be at least 300 px"),
        (300, 299, "each side must be at least 300 px"),
        (1, 1, "each side must be at least 300 px"),
        (751, 300, "width to height must be from 1:2.5 to 2.5:1"),
        (300, 751, "width to height must be from 1:2.5 to 2.5:1"),
        (10_001, 4_000, "width to height must be from 1:2.5 to 2.5:1"),
    ],
)
def test_one_pixel_beyond_is_refused(width, height, limit):
    with pytest.raises(ImageViolation) as refused:
        check_shape(ImageFacts("image/png", width, height))
    assert str(refused.value) == limit
    assert refused.value.got == f"{width} x {height} px"


def test_10_mb_is_allowed_and_one_byte_more_is_not():
    check_input(padded(picture(), LIMIT))
    with pytest.raises(ImageViolation, match="at most 10 MB") as refused:
        check_input(padded(picture(), LIMIT + 1))
    assert refused.value.got == "10485761 bytes"


def test_nothing_at_all_is_not_an_image():
    with pytest.raises(ImageViolation) as refused:
        check_size(0)
    assert refused.value.got == "an empty file"


@pytest.mark.parametrize(("form", "content_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
def test_an_image_is_whole_when_its_end_marker_is_there(form, content_type):
    content = picture(form=form)
    assert is_whole(content, content_type)
    assert is_whole(content + b"\x00" * 16, content_type)
    assert not is_whole(content[:-10], content_type)
    assert not is_whole(content[: len(content) // 2], content_type)
