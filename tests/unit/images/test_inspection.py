"""Type by content, size as shown, the contract's limits to the pixel and the byte, and whether an image is whole."""

from __future__ import annotations

import pytest

from kiln.images.inspection import (
    ImageFacts,
    ImageViolation,
    check_input,
    check_shape,
    check_size,
    content_type_of,
    inspect,
    is_whole,
)
from tests.support.images import jpeg_with_long_metadata, padded, picture

LIMIT = 10 * 1024 * 1024


@pytest.mark.parametrize(("form", "content_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
def test_format_is_read_from_the_content(form, content_type):
    assert check_input(picture(321, 345, form)) == ImageFacts(content_type, 321, 345)


@pytest.mark.parametrize(
    ("content", "came"),
    [
        (picture(form="GIF"), "a GIF"),
        (picture(form="WEBP"), "a WebP"),
        (picture(form="BMP"), "a BMP"),
        (picture(form="TIFF"), "bytes that are neither"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "bytes that are neither"),
        (b"hello", "bytes that are neither"),
        (b"\x89PN", "bytes that are neither"),
    ],
    ids=["gif", "webp", "bmp", "tiff", "svg", "text", "three bytes"],
)
def test_other_formats_are_refused_by_name(content, came):
    assert content_type_of(content) is None
    with pytest.raises(ImageViolation, match="must be a jpg, jpeg or png image by its content") as refused:
        inspect(content)
    assert refused.value.got == came


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_exif_rotation_swaps_the_sides(orientation):
    facts = inspect(picture(900, 400, "JPEG", orientation))
    assert (facts.width, facts.height) == (400, 900)


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_other_exif_orientations_keep_the_sides(orientation):
    facts = inspect(picture(900, 400, "JPEG", orientation))
    assert (facts.width, facts.height) == (900, 400)


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("kept", [8, 9, 12, 20])
def test_truncated_header_is_a_violation(form, kept):
    with pytest.raises(ImageViolation, match=r"must be a readable image|by its content"):
        inspect(picture(form=form)[:kept])


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_damaged_header_gives_facts_or_a_violation(form):
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


def test_late_jpeg_size_is_found_when_enough_is_read():
    content = jpeg_with_long_metadata(320, 150_000)
    assert inspect(content).width == 320
    with pytest.raises(ImageViolation):
        inspect(content[:100_000])


@pytest.mark.parametrize(("width", "height"), [(300, 300), (750, 300), (300, 750), (10_000, 4_000)])
def test_sides_and_ratio_at_the_limits_are_accepted(width, height):
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


def test_image_of_10_mb_is_accepted_and_one_byte_more_refused():
    check_input(padded(picture(), LIMIT))
    with pytest.raises(ImageViolation, match="at most 10 MB") as refused:
        check_input(padded(picture(), LIMIT + 1))
    assert refused.value.got == "10485761 bytes"


def test_empty_content_is_refused():
    with pytest.raises(ImageViolation) as refused:
        check_size(0)
    assert refused.value.got == "0 bytes"


@pytest.mark.parametrize(("form", "content_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
def test_end_marker_decides_whether_an_image_is_complete(form, content_type):
    content = picture(form=form)
    assert is_whole(content, content_type)
    assert is_whole(content + b"\x00" * 16, content_type)
    assert not is_whole(content[:-10], content_type)
    assert not is_whole(content[: len(content) // 2], content_type)
