"""A body that is not JSON in UTF-8 is refused, and named by what it is."""

from __future__ import annotations

import gzip
import json

import pytest

from kiln.contract import parse_create_request
from kiln.errors import MalformedRequest
from tests.support.samples import create_body

GZIP = gzip.compress(b'{"prompt": "A cat"}')
MULTIPART = b'--xyz\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nA cat\r\n--xyz--\r\n'
NOT_JSON = {
    "empty": (b"", "an empty body"),
    "white space": (b" \n", "an empty body"),
    "cut short": (b"{", "EOF while parsing an object"),
    "gzip": (GZIP, "a gzip body: send it without Content-Encoding"),
    "UTF-16, little-endian": ('{"prompt": "猫"}'.encode("utf-16"), "UTF-16 or UTF-32: send it in UTF-8"),
    "UTF-16 without a mark": ('{"prompt": "猫"}'.encode("utf-16-le"), "UTF-16 or UTF-32: send it in UTF-8"),
    "UTF-16, big-endian": (b"\xfe\xff" + '{"n": 1}'.encode("utf-16-be"), "UTF-16 or UTF-32: send it in UTF-8"),
    "UTF-32": ('{"prompt": "猫"}'.encode("utf-32"), "UTF-16 or UTF-32: send it in UTF-8"),
    "multipart": (MULTIPART, "a multipart form: send JSON, with images as Base64, URLs or uploads"),
    "form": (b"prompt=A+cat&n=2", "a URL-encoded form: send JSON"),
    "page": (b"<html>", "an XML or HTML document"),
    "half a character": (b'{"prompt": "\\ud800"}', "unexpected end of hex escape"),
    "deep": (b"[" * 100_000, "recursion limit exceeded"),
    "comment": (b'{"n": 1} // one', "trailing characters"),
}


@pytest.mark.parametrize(("body", "got"), NOT_JSON.values(), ids=NOT_JSON)
@pytest.mark.parametrize("as_the_gateway_gives_it", [bytes, lambda body: body.decode(errors="replace")])
def test_body_that_is_not_json_is_named(body, got, as_the_gateway_gives_it):
    with pytest.raises(MalformedRequest) as refused:
        parse_create_request(as_the_gateway_gives_it(body), {})
    assert (refused.value.code, refused.value.http_status) == (1200, 400)
    assert refused.value.message.startswith(f"body: must be JSON in UTF-8, got {got}")


def test_body_that_is_not_utf_8_is_refused_with_the_byte():
    body = json.dumps(create_body(prompt="café"), ensure_ascii=False).encode("latin-1")
    position = body.index(b"\xe9") + 1
    with pytest.raises(MalformedRequest) as refused:
        parse_create_request(body, {})
    assert refused.value.message == f"body: must be JSON in UTF-8, got byte 0xe9 at position {position}"
    with pytest.raises(MalformedRequest) as refused:
        parse_create_request(body.decode(errors="replace"), {})
    assert refused.value.message == f"body: must be JSON in UTF-8, got an undecodable byte at character {position}"


def test_replacement_character_is_accepted_where_the_caller_sent_it():
    assert parse_create_request(json.dumps(create_body(prompt="\ufffd")), {}).prompt == "\ufffd"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("[]", "body: must be a JSON object, got a list of 0"),
        ("null", "body: must be a JSON object, got null"),
        ('"text"', "body: must be a JSON object, got 'text'"),
    ],
    ids=["list", "null", "text"],
)
def test_json_that_is_no_object_is_malformed(body, message):
    with pytest.raises(MalformedRequest) as refused:
        parse_create_request(body, {})
    assert (refused.value.code, refused.value.http_status) == (1200, 400)
    assert refused.value.message == message


@pytest.mark.parametrize("mark", ["\ufeff", b"\xef\xbb\xbf"])
def test_byte_order_mark_before_utf_8_is_passed_over(mark):
    body = json.dumps(create_body(prompt="猫"), ensure_ascii=False)
    assert parse_create_request(mark + (body.encode() if isinstance(mark, bytes) else body), {}).prompt == "猫"
