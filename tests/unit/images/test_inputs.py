"""An image field is a name on offer, a URL, or Base64 in any of the ways clients write it."""

from __future__ import annotations

import base64
import zlib
from urllib.parse import quote

import pytest

from kiln.images.inputs import InputImage, S3Image, looks_like_a_name, read_input
from kiln.images.inspection import ImageViolation
from tests.support.images import in_base64, padded, picture

PNG, JPEG = picture(form="PNG"), picture(form="JPEG")
# Seven bytes more make the Base64 end in one and in two padding characters.
NOISE = padded(PNG, len(PNG) + 40_012).replace(bytes(40_000), bytes(range(256)) * 156 + bytes(64))
NOISE = NOISE[:-16] + zlib.crc32(NOISE[-16 - 40_004 : -16]).to_bytes(4, "big") + NOISE[-12:]
ENDINGS = [padded(PNG, len(PNG) + more) for more in range(3)]


@pytest.mark.parametrize(
    ("prefix", "content"),
    [
        ("", PNG),
        ("", JPEG),
        ("data:image/png;base64,", PNG),
        ("data:image/jpeg;base64,", JPEG),
        ("data:image/jpg;base64,", JPEG),
        ("DATA:IMAGE/PNG;BASE64,", PNG),
        ("data:;base64,", PNG),
        ("data:image/png;charset=utf-8;base64,", PNG),
        ("data:image/png;base64,", JPEG),  # Taken for what it is, not for what it says it is.
    ],
)
def test_base64_is_read_with_and_without_a_prefix(prefix, content):
    image = read_input(in_base64(content, prefix), {})
    assert image.content == content
    assert image.facts is not None
    assert image.facts.width == 320
    assert image.url is None


@pytest.mark.parametrize("newline", ["\n", "\r\n", " ", "\t", "\n  "])
def test_base64_may_be_wrapped(newline):
    wrapped = base64.encodebytes(PNG).decode().replace("\n", newline)
    assert read_input(wrapped, {}).content == PNG


@pytest.mark.parametrize("outer", ["  {}", "{}\n", "\n{}\n\n"])
@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,", "data:image/png;base64, "])
def test_outer_white_space_of_an_image_is_no_part_of_it(outer, prefix):
    assert read_input(outer.format(in_base64(PNG, prefix)), {}).content == PNG
    assert read_input(" https://a.test/cat.png\n", {}) == InputImage(url="https://a.test/cat.png")


@pytest.mark.parametrize(
    "prefix",
    ["data:image/png; base64,", "data:image/png;name=cat.png;base64,", "data: image/png ;base64 ,\n", "data:;base64, "],
)
def test_data_url_may_have_parameters_and_spaces(prefix):
    assert read_input(in_base64(PNG, prefix), {}).content == PNG


def test_base64_of_a_data_url_may_be_percent_encoded():
    encoded = quote(in_base64(NOISE), safe="")
    assert "%2B" in encoded
    assert read_input(f"data:image/png;base64,{encoded}", {}).content == NOISE


def test_url_safe_alphabet_is_read():
    encoded = base64.urlsafe_b64encode(NOISE).decode()
    assert {"-", "_"} <= set(encoded)
    assert read_input(encoded, {}).content == NOISE
    assert read_input(encoded.rstrip("="), {}).content == NOISE


def test_plus_signs_that_a_form_made_spaces_are_refused_by_name():
    with pytest.raises(ImageViolation, match=r"must be Base64 with its \+ signs") as refused:
        read_input(in_base64(NOISE).replace("+", " "), {})
    assert refused.value.got == "spaces instead: write + as %2B in a form"


@pytest.mark.parametrize("content", ENDINGS)
def test_missing_padding_is_made_up_for(content):
    assert read_input(in_base64(content).rstrip("="), {}).content == content
    assert read_input(in_base64(content), {}).content == content


@pytest.mark.parametrize(
    "text",
    ["cat.png", "not base64!", "data:image/png,rawbytes", "AAA=AAA", "猫", "ftp://a.test/cat.png", "A"],
)
def test_a_text_that_is_neither_is_refused_and_shown_if_short(text):
    with pytest.raises(ImageViolation, match="must be an http") as refused:
        read_input(text, {})
    assert refused.value.got == f"'{text}'"


def test_a_long_text_is_not_shown():
    with pytest.raises(ImageViolation) as refused:
        read_input("!" * 81, {})
    assert refused.value.got == "a string of 81 characters"


def test_base64_over_the_limit_is_refused_before_decoding():
    with pytest.raises(ImageViolation, match="at most 10 MB"):
        read_input("!" * 14_000_000, {})  # Not Base64 at all: decoding would have said so.


def test_the_limit_of_10_mb_is_exact_in_base64_too():
    assert len(read_input(in_base64(padded(PNG, 10_485_760)), {}).content or b"") == 10_485_760
    with pytest.raises(ImageViolation, match="at most 10 MB") as refused:
        read_input(in_base64(padded(PNG, 10_485_761)), {})
    assert refused.value.got == "10485761 bytes"


@pytest.mark.parametrize(
    "url", ["https://a.test/cat.png", "HTTP://a.test", "https://a.test:8443/x?sig=%2F", "https://" + "a" * 2_040]
)
def test_a_url_is_left_to_the_provider(url):
    assert read_input(url, {}) == InputImage(url=url)


@pytest.mark.parametrize("url", ["https://", "http:///path", "https://a.test/with space", "https://[", "http://a\n.b"])
def test_a_url_that_cannot_be_one_is_refused(url):
    with pytest.raises(ImageViolation) as refused:
        read_input(url, {})
    assert refused.value.got == f"'{url}'"


def test_a_url_of_more_than_8192_characters_is_refused():
    with pytest.raises(ImageViolation, match="a URL must be at most 8192 characters") as refused:
        read_input("https://" + "a" * 8_185, {})
    assert refused.value.got == "8193 characters"


def test_a_name_on_offer_comes_first():
    offered = {"https://a.test/x": S3Image("inbox", "folder/x")}
    assert read_input("https://a.test/x", offered).stored == S3Image("inbox", "folder/x")


@pytest.mark.parametrize(
    ("text", "is_name"),
    [
        ("cat.png", True),
        ("猫 1.jpg", True),
        ("https://a.test/cat.png", False),
        ("HTTPS://a.test", False),
        ("data:image/png;base64,AA", False),
        (in_base64(PNG), False),
        (in_base64(JPEG), False),
        ("a" * 1_024, True),
        ("a" * 1_025, False),
    ],
)
def test_file_names_are_distinguished_from_images(text, is_name):
    assert looks_like_a_name(text) is is_name
