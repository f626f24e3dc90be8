"""Copying an image to S3: what is stored, and every way in which half an image is kept from being seen there."""

from __future__ import annotations

import hashlib
import io
import socket
import threading
from types import SimpleNamespace
from typing import Any

import pytest
import urllib3

from kiln.images import copying
from kiln.images.checked_stream import CHUNK_BYTES, CheckedStream, CopyFailed, Hope
from kiln.images.copying import copy_image
from kiln.images.result_files import ResultFacts
from tests.support.fakes import HttpPool, http_answer
from tests.support.images import jpeg_with_long_metadata, padded, picture

URL = "https://cdn.test/result?sig=1"
PNG, JPEG = picture(640, 480), picture(640, 480, "JPEG")
LARGE_PNG = padded(PNG, 900_000)
LARGE_JPEG = JPEG[:-2] + bytes(900_000) + JPEG[-2:]


class LinkMaker:
    """Signs links as S3's client does."""

    def __init__(self) -> None:
        self.signed: list[tuple[str, dict[str, str], int]] = []

    def generate_presigned_url(self, operation: str, *, Params: dict[str, str], ExpiresIn: int) -> str:  # noqa: N803
        self.signed.append((operation, Params, ExpiresIn))
        return f"https://s3.test/{Params['Bucket']}/{Params['Key']}?X-Amz-Signature=1"


def copy(http: Any, name: str = "0") -> Any:
    return copy_image(name, URL, bucket="outbox", prefix="tasks/t", s3=LinkMaker(), http=http)  # type: ignore[arg-type]


def failure(http: Any) -> str:
    with pytest.raises(CopyFailed) as failed:
        copy(http)
    if isinstance(http, HttpPool):
        assert http.stored == {}
    return str(failed.value)


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize(
    ("content", "extension", "content_type"),
    [
        (PNG, "png", "image/png"),
        (JPEG, "jpg", "image/jpeg"),
        (LARGE_PNG, "png", "image/png"),
        (LARGE_JPEG, "jpg", "image/jpeg"),
    ],
    ids=["png", "jpeg", "large png", "large jpeg"],
)
def test_image_is_stored_unchanged_with_its_formats_extension(content, extension, content_type, is_chunked):
    http = HttpPool({URL: http_answer(content, is_chunked=is_chunked)})
    kept = copy(http, name="3")
    assert kept.model_dump() == {
        "key": f"tasks/t/3.{extension}",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "width": 640,
        "height": 480,
        "content_type": content_type,
    }
    place = f"https://s3.test/outbox/tasks/t/3.{extension}"
    assert http.stored == {place: content}
    assert http.stored_headers[place]["Content-Type"] == content_type


def test_upload_link_is_short_lived_and_bound_to_its_content_type():
    s3 = LinkMaker()
    copy_image("0", URL, bucket="outbox", prefix="p", s3=s3, http=HttpPool({URL: http_answer(PNG)}))  # type: ignore[arg-type]
    [(operation, parameters, seconds)] = s3.signed
    assert operation == "put_object"
    assert parameters == {"Bucket": "outbox", "Key": "p/0.png", "ContentType": "image/png"}
    assert seconds == 900


@pytest.mark.parametrize("metadata_bytes", [100_000, 900_000, 2_000_000])
def test_a_jpeg_whose_size_comes_late_is_read_on(metadata_bytes):
    content = jpeg_with_long_metadata(320, metadata_bytes)
    assert copy(HttpPool({URL: http_answer(content)})).width == 320


def test_a_jpeg_whose_size_never_comes_is_stored_without_one():
    content = jpeg_with_long_metadata(320, 5_000_000)
    stored = copy(HttpPool({URL: http_answer(content)}))
    assert (stored.content_type, stored.width, stored.height, stored.size) == ("image/jpeg", None, None, len(content))


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize(
    ("form", "extension", "content_type"),
    [("WEBP", "webp", "image/webp"), ("GIF", "gif", "image/gif"), ("AVIF", "avif", "image/avif")],
)
def test_any_image_is_stored_with_its_own_type_and_extension(form, extension, content_type, is_chunked):
    content = picture(form=form)
    http = HttpPool({URL: http_answer(content, is_chunked=is_chunked)})
    stored = copy(http)
    assert (stored.content_type, stored.key) == (content_type, f"tasks/t/0.{extension}")
    assert (stored.width, stored.height) == (320, 320)
    assert list(http.stored.values()) == [content]


def test_a_heic_is_stored_without_a_size_if_none_can_be_read():
    content = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heicmif1\x00\x00\x00\x10mdat12345678"
    stored = copy(HttpPool({URL: http_answer(content)}))
    assert (stored.content_type, stored.key, stored.width) == ("image/heic", "tasks/t/0.heic", None)


@pytest.mark.parametrize("behind", [b"\x00" * 40, b"junk" * 20_000, b"\x00\x00\x00\x20ftypmp42" + bytes(90_000)])
@pytest.mark.parametrize("content", [LARGE_PNG, LARGE_JPEG, JPEG], ids=["png", "large jpeg", "jpeg"])
def test_bytes_behind_the_end_are_stored_with_the_image(content, behind):
    http = HttpPool({URL: http_answer(content + behind)})
    assert copy(http).size == len(content) + len(behind)
    assert list(http.stored.values()) == [content + behind]


@pytest.mark.parametrize("kept", [100, 70_000, 500_000, 899_999])
@pytest.mark.parametrize("content", [LARGE_PNG, LARGE_JPEG], ids=["png", "jpeg"])
def test_connection_closed_early_fails_the_copy(content, kept):
    reason = failure(HttpPool({URL: http_answer(content[:kept], announced=len(content))}))
    assert reason == "the connection failed: ProtocolError"


def in_turn(*contents: bytes, is_chunked: bool = False) -> Any:
    """A source that answers the next download with the next content."""
    answers = iter([http_answer(content, is_chunked=is_chunked) for content in contents])
    return lambda: next(answers)()  # noqa: PLW0108 - each call is the next answer


CUT = [LARGE_PNG[:-8], LARGE_JPEG[:-2], LARGE_PNG[:500_000], LARGE_JPEG[:70_000]]


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("content", CUT, ids=range(4))
def test_an_image_cut_short_at_the_source_is_downloaded_again(content, is_chunked):
    whole = LARGE_PNG if content[:4] == LARGE_PNG[:4] else LARGE_JPEG
    http = HttpPool({URL: in_turn(content, whole, is_chunked=is_chunked)})
    assert copy(http).size == len(whole)
    assert list(http.stored.values()) == [whole]


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("content", CUT, ids=range(4))
def test_an_image_cut_short_at_two_places_is_not_stored(content, is_chunked):
    reason = failure(HttpPool({URL: in_turn(content, content[:-100], is_chunked=is_chunked)}))
    assert reason == f"the image is cut short at {len(content)} and {len(content) - 100} bytes"


@pytest.mark.parametrize("content", [JPEG[:-2], LARGE_JPEG[:-2], picture(form="WEBP")[:-10]])
def test_an_image_that_lacks_its_end_twice_alike_is_all_there_is_of_it(content):
    http = HttpPool({URL: http_answer(content)})
    assert copy(http).sha256 == hashlib.sha256(content).hexdigest()
    assert list(http.stored.values()) == [content]


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_image():
    thumbnail = picture(160, 160, "JPEG")
    segment = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    content = LARGE_JPEG[:2] + segment + LARGE_JPEG[2:-2]
    assert failure(HttpPool({URL: in_turn(content, content[:-1])})).startswith("the image is cut short")


def test_source_that_stops_silently_fails_the_copy():
    class Silent(io.BytesIO):
        status = 200
        headers = urllib3.HTTPHeaderDict({"Content-Length": "900000"})

        def release_conn(self) -> None:
            pass

        def get_redirect_location(self) -> None:
            pass

    assert failure(HttpPool({URL: Silent(LARGE_PNG[:300_000])})) == "the image ended after 300000 of 900000 bytes"
    assert failure(HttpPool({URL: Silent(LARGE_PNG[:20])})) == "the image ended after 20 bytes"


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (b"<Error><Code>AccessDenied</Code></Error>", "HTML or XML"),
        (b"\n <!DOCTYPE html><html>", "HTML"),
        (b'{"code": 404}', "JSON"),
        (b"%PDF-1.7", "bytes of another kind"),
        (b"", "0 bytes"),
    ],
    ids=["xml", "html", "json", "pdf", "nothing"],
)
@pytest.mark.parametrize("is_chunked", [False, True])
def test_download_that_is_not_an_image_is_not_stored(content, got, is_chunked):
    assert failure(HttpPool({URL: http_answer(content, is_chunked=is_chunked)})) == f"not an image: {got}"


@pytest.mark.parametrize("status", [204, 301, 403, 404, 410, 500, 503])
def test_only_http_200_is_an_image(status):
    assert failure(HttpPool({URL: http_answer(b"", status)})) == f"the provider answered HTTP {status}"


@pytest.mark.parametrize(
    ("status", "content", "hope"),
    [
        (404, PNG, Hope.LITTLE),
        (410, PNG, Hope.LITTLE),
        (200, b"<html>", Hope.LITTLE),
        (403, PNG, Hope.MUCH),
        (503, PNG, Hope.MUCH),
    ],
)
def test_a_link_that_leads_to_no_image_gives_little_hope(status, content, hope):
    with pytest.raises(CopyFailed) as failed:
        copy(HttpPool({URL: http_answer(content, status)}))
    assert failed.value.hope is hope


def with_headers(content: bytes, status: int = 200, **headers: str) -> Any:
    return lambda: urllib3.HTTPResponse(
        io.BytesIO(content),
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        status=status,
        preload_content=False,
        request_method="GET",
    )


def test_http_206_with_all_bytes_is_an_image():
    size = len(PNG)
    whole = {"content_length": str(size), "content_range": f"bytes 0-{size - 1}/{size}"}
    assert copy(HttpPool({URL: with_headers(PNG, 206, **whole)})).size == size


@pytest.mark.parametrize("content_range", ["", "bytes 0-99/1000", "bytes 1-999/1000", "bytes 0-99/*", "bytes ²"])
def test_http_206_with_a_part_is_none(content_range):
    reason = failure(HttpPool({URL: with_headers(PNG, 206, content_range=content_range)}))
    assert reason == "the provider answered HTTP 206 with a part of the image"


@pytest.mark.parametrize("stated", ["²", "", "-1", "1e9", "9" * 5_000, "0x10", "³"])
def test_an_odd_content_length_is_none(stated):
    assert copy(HttpPool({URL: with_headers(PNG, content_length=stated)})).size == len(PNG)


@pytest.mark.parametrize("status", [301, 403, 500, 503])
def test_refusal_by_s3_fails_the_copy(status):
    assert failure(HttpPool({URL: http_answer(PNG)}, put_status=status)) == f"S3 answered HTTP {status}"


@pytest.mark.parametrize(
    "error",
    [
        urllib3.exceptions.NewConnectionError(SimpleNamespace(host="cdn.test", port=443), "refused"),  # type: ignore[arg-type]
        urllib3.exceptions.ReadTimeoutError(None, URL, "slow"),  # type: ignore[arg-type]
        urllib3.exceptions.ProtocolError("reset"),
        urllib3.exceptions.LocationParseError("https://["),
        ConnectionResetError(),
        TimeoutError(),
    ],
)
def test_broken_connection_is_named_without_the_link(error):
    def source() -> None:
        raise error

    assert failure(HttpPool({URL: source})) == f"the connection failed: {type(error).__name__}"


@pytest.mark.parametrize("is_chunked", [False, True])
def test_dripping_image_fails_the_copy(monkeypatch, is_chunked):
    monkeypatch.setattr(copying, "COPY_SECONDS", -1.0)
    reason = failure(HttpPool({URL: http_answer(LARGE_PNG, is_chunked=is_chunked)}))
    assert reason.startswith("the time to copy the images in is over")


class Dripping:
    """A connection whose own limit never passes: a read of many bytes ends when the connection is shut down."""

    closed = False

    def __init__(self, at_once: bytes) -> None:
        self._at_once = io.BytesIO(at_once)
        self._is_shut_down = threading.Event()

    def read(self, amount: int) -> bytes:
        content = self._at_once.read(amount)
        if len(content) < amount:
            assert self._is_shut_down.wait(60)
        return content

    def shutdown(self, how: int) -> None:
        assert how == socket.SHUT_RD
        self._is_shut_down.set()

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("arrived", [240, 70_000])
def test_dripping_image_ends_at_the_deadline(monkeypatch, is_chunked, arrived):
    """The deadline holds in the image's head and behind it. A killed function would record none of the other images."""
    drips = Dripping(LARGE_PNG[:arrived])
    monkeypatch.setattr(copying, "COPY_SECONDS", 0.1)
    headers = {} if is_chunked else {"Content-Length": str(len(LARGE_PNG))}
    source = urllib3.HTTPResponse(
        drips,  # type: ignore[arg-type]
        headers,
        status=200,
        preload_content=False,
        request_method="GET",
        connection=SimpleNamespace(close=lambda: None),  # type: ignore[arg-type]
        sock_shutdown=drips.shutdown,
    )
    assert failure(HttpPool({URL: lambda: source})) == "the time to copy the images in is over"


def test_small_chunks_are_sent_on_in_large_ones():
    """Each piece is a separate call all the way down: over TLS that was most of the CPU."""
    head = LARGE_PNG[: 64 * 1024]
    facts = ResultFacts("image/png", 640, 480)
    rest = io.BytesIO(LARGE_PNG[len(head) :])
    chunks = list(CheckedStream(head, rest, len(LARGE_PNG), facts, ends_at=float("inf")))
    assert b"".join(chunks) == LARGE_PNG
    assert len(chunks) == 2 + len(LARGE_PNG) // CHUNK_BYTES


def test_image_past_its_deadline_is_not_requested():
    with pytest.raises(CopyFailed, match="the time to copy"):
        copy_image("0", URL, bucket="outbox", prefix="p", ends_at=0, http=HttpPool({}))  # type: ignore[arg-type]


def test_second_copy_writes_the_same_object():
    http = HttpPool({URL: http_answer(PNG)})
    assert copy(http) == copy(http)
    assert len(http.stored) == 1


class Redirecting(urllib3.PoolManager):
    """urllib3's own pool manager, with hosts that answer from a table."""

    def __init__(self, answers: dict[str, urllib3.HTTPResponse]) -> None:
        super().__init__(retries=False)
        self._answers = answers
        self.asked: list[str] = []
        self.stored = b""

    def connection_from_host(self, host: str | None, *_: Any, **__: Any) -> Any:
        def urlopen(method: str, target: str, body: Any = None, **_options: Any) -> Any:
            self.asked.append(f"{method} {host}")
            if method == "PUT":
                self.stored = b"".join(body)
                return urllib3.HTTPResponse(b"", status=200)
            return self._answers[str(host)]

        return SimpleNamespace(urlopen=urlopen, is_same_host=lambda _: False)


def to(location: str, status: int = 302) -> urllib3.HTTPResponse:
    return urllib3.HTTPResponse(b"", headers={"Location": location}, status=status)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_of_the_provider_are_followed_a_few_times(status):
    hosts = {"cdn.test": "https://b.test/", "b.test": "//c.test/", "c.test": "https://d.test:8443/"}
    answers = {host: to(location, status) for host, location in hosts.items()}
    http = Redirecting({**answers, "d.test": http_answer(PNG)()})
    assert copy(http).size == len(PNG)
    assert http.asked == ["GET cdn.test", "GET b.test", "GET c.test", "GET d.test", "PUT s3.test"]
    assert http.stored == PNG
    assert failure(Redirecting({"cdn.test": to("https://cdn.test/")})) == "it redirects more than 3 times"


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://127.0.0.1:1/", "redirect: must be an https URL, got http:"),
        ("https://169.254.169.254/", "redirect: must not be a private, link-local or otherwise"),
        ("https://[::ffff:10.0.0.1]/", "redirect: must not be a private, link-local or otherwise"),
        ("file:///etc/passwd", "redirect: must be an https URL, got file:"),
        ("https://user@cdn.test/", "redirect: must not hold a user name"),
        ("https://cdn.test:22/", "redirect: port must be one of 443, 8443"),
    ],
)
def test_a_redirect_to_where_no_link_may_lead_is_not_followed(location, reason):
    http = Redirecting({"cdn.test": to(location)})
    assert failure(http).startswith(reason)
    assert http.asked == ["GET cdn.test"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "url: must be an https URL, got an empty string"),
        ("/a.png", "url: must be an https URL, got a relative URL"),
        ("a.png", "url: must be an https URL, got a relative URL"),
        ("//cdn.test/a.png", "url: must be an https URL, got a relative URL"),
        ("file:///etc/passwd", "url: must be an https URL, got file:"),
        ("data:image/png;base64,AAAA", "url: must be an https URL, got data:"),
        ("http://cdn.test/a.png", "url: must be an https URL, got http:"),
        ("https://127.0.0.1/a.png", "url: must not be a private, link-local or otherwise internal address"),
        ("https://", "url: must be an http(s) URL with a host"),
        ("https://[", "url: must be an http(s) URL"),
    ],
)
def test_a_link_that_leads_nowhere_or_inside_is_refused_and_named(url, reason):
    with pytest.raises(CopyFailed) as failed:
        copy_image("0", url, bucket="outbox", prefix="p", s3=LinkMaker(), http=HttpPool({}))  # type: ignore[arg-type]
    assert (str(failed.value), failed.value.hope) == (reason, Hope.NONE)


def test_a_local_stack_may_allow_plain_http_and_internal_addresses(monkeypatch):
    monkeypatch.setenv("ALLOW_HTTP_RESULTS", "true")
    monkeypatch.setenv("ALLOW_PRIVATE_RESULTS", "true")
    http = Redirecting({"cdn.test": to("http://127.0.0.1:9000/"), "127.0.0.1": http_answer(PNG)()})
    assert copy(http).size == len(PNG)
