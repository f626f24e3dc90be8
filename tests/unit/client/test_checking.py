"""The client says what is wrong with a file before it sends anything."""

from __future__ import annotations

import warnings

import httpx
import pytest

from kiln_client import IgnoredFields, InvalidImage, Kiln
from kiln_client.checking import JPEG, damage, format_problem, size_problem
from kiln_client.images import read_image, suffix
from tests.support.fake_api import KEY, URL
from tests.support.images import picture

BOX = b"\x00\x00\x00\x1cftyp"


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_whole_image_has_no_problem(form):
    assert format_problem(picture(form=form)) is None
    assert damage(picture(form=form)) is None
    assert damage(picture(form=form) + b"a video behind it") is None


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("kept", [40, 300, -2])
def test_truncated_image_is_not_sent(form, kept):
    with pytest.raises(InvalidImage, match=f"image: must be a whole image, got a {form} that is cut short"):
        read_image(picture(form=form)[:kept])


def test_png_with_a_wrong_checksum_is_not_sent():
    broken = bytearray(picture())
    broken[60] ^= 1
    with pytest.raises(InvalidImage, match="got a damaged PNG"):
        read_image(bytes(broken))


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize(
    ("size", "said"),
    [
        ((200, 200), "each side must be at least 300 px, got 200 x 200 px"),
        ((299, 700), "each side must be at least 300 px, got 299 x 700 px"),
        ((1_000, 300), "width to height must be from 1:2.5 to 2.5:1, got 1000 x 300 px"),
    ],
)
def test_image_of_a_refused_size_is_not_sent(form, size, said):
    with pytest.raises(InvalidImage, match=f"^image: {said}$"):
        read_image(picture(*size, form=form))


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("size", [(300, 300), (300, 750), (750, 300)])
def test_image_at_the_limits_of_size_is_sent(form, size):
    assert size_problem(picture(*size, form=form)) is None


def test_image_without_a_readable_size_is_left_to_the_api():
    assert size_problem(JPEG + b"\xe0\x00\x04ab") is None


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (picture(form="GIF"), "a GIF; export it as JPEG"),
        (picture(form="WEBP"), "a WebP; export it as JPEG"),
        (picture(form="BMP"), "a BMP; export it as JPEG"),
        (picture(form="TIFF"), "a TIFF; export it as JPEG"),
        (BOX + b"heic\x00\x00\x00\x00mif1heic", "a HEIC image; export it as JPEG"),
        (BOX + b"mif1\x00\x00\x00\x00mif1avif", "an AVIF image; export it as JPEG"),
        (BOX + b"isom\x00\x00\x00\x00isomavc1", "a video; save one frame of it as JPEG"),
        (b"%PDF-1.7", "a PDF; export its page as JPEG"),
        (b"PK\x03\x04", "a ZIP archive; send the images in it one by one"),
        (b"<!DOCTYPE html>", "an HTML page; save the image itself"),
        (b"<?xml version='1.0'?><svg>", "an SVG drawing; export it as PNG"),
        (picture()[:12] + b"CgBI" + picture()[12:], "an iPhone-optimised PNG; export it as JPEG"),
        (b"hello", "another kind of file"),
    ],
)
def test_other_format_is_named_with_what_to_do(content, name):
    with pytest.raises(InvalidImage) as refused:
        read_image(content)
    assert str(refused.value) == f"image: must be a JPEG or PNG image, got {name}"


@pytest.mark.parametrize(("form", "end"), [("PNG", ".png"), ("JPEG", ".jpg"), ("WEBP", ".webp"), ("GIF", ".gif")])
def test_result_has_the_suffix_of_its_content(form, end):
    assert suffix(picture(form=form)) == end
    assert suffix(b"hello") == ""


def answering(**headers: str) -> httpx.MockTransport:
    data = {"task_id": "t1", "task_status": "submitted", "created_at": 1, "updated_at": 1}
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.MockTransport(lambda _: httpx.Response(200, json={"code": 0, "data": data}, headers=headers))


def test_field_without_effect_is_a_warning():
    kiln = Kiln(URL, KEY, transport=answering(Kiln_Ignored_Fields="gr%C3%B6%C3%9Fe, seed"))
    with pytest.warns(IgnoredFields, match="these fields have no effect: größe, seed"):
        kiln.create("https://images.test/cat.png")
    kiln = Kiln(URL, KEY, transport=answering())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kiln.create("https://images.test/cat.png")


def test_misspelt_option_is_an_error_and_not_ignored():
    with pytest.raises(TypeError, match="no such option: promt"):
        Kiln(URL, KEY, transport=answering()).create("https://images.test/cat.png", promt="A cat")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("task_id", "path"),
    [
        ("order-7", "/order-7"),
        ("猫 1", "/%E7%8C%AB%201"),
        ("a/b", "/-?external_task_id=a%2Fb"),
        ("..", "/-?external_task_id=.."),
        ("-", "/-?external_task_id=-"),
        ("a\nb?&", "/-?external_task_id=a%0Ab%3F%26"),
    ],
)
def test_external_id_that_does_not_fit_into_a_path_is_a_parameter(task_id, path):
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path.decode())
        return answering().handler(request)  # type: ignore[return-value]

    kiln = Kiln(URL, KEY, transport=httpx.MockTransport(answer))
    kiln.get(task_id)
    kiln.cancel(task_id)
    cancel = path.replace("?", "/cancel?") if "?" in path else f"{path}/cancel"
    assert asked == [f"/live/v1/images/multi-image2image{each}" for each in (path, cancel)]
