"""Copying an image to S3: what is stored, and every way in which half an image is kept from being seen there."""

from __future__ import annotations

import hashlib
import io
from types import SimpleNamespace
from typing import Any

import pytest
import urllib3

from kiln.images import copying
from kiln.images.copying import CopyFailed, copy_image
from kiln.images.inspection import inspect
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


def copy(http: Any, index: int = 0) -> Any:
    return copy_image(index, URL, bucket="outbox", prefix="tasks/t", s3=LinkMaker(), http=http)  # type: ignore[arg-type]


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
    kept = copy(http, index=3)
    assert kept.model_dump() == {
        "index": 3,
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
    copy_image(0, URL, bucket="outbox", prefix="p", s3=s3, http=HttpPool({URL: http_answer(PNG)}))  # type: ignore[arg-type]
    [(operation, parameters, seconds)] = s3.signed
    assert operation == "put_object"
    assert parameters == {"Bucket": "outbox", "Key": "p/0.png", "ContentType": "image/png"}
    assert seconds == 900


@pytest.mark.parametrize("metadata_bytes", [100_000, 900_000])
def test_jpeg_with_late_size_is_read_further(metadata_bytes):
    content = jpeg_with_long_metadata(320, metadata_bytes)
    assert copy(HttpPool({URL: http_answer(content)})).width == 320


def test_jpeg_without_size_is_refused():
    content = jpeg_with_long_metadata(320, 1_200_000)
    assert failure(HttpPool({URL: http_answer(content)})).startswith("not an image: a JPEG with a damaged header")


@pytest.mark.parametrize("kept", [100, 70_000, 500_000, 899_999])
@pytest.mark.parametrize("content", [LARGE_PNG, LARGE_JPEG], ids=["png", "jpeg"])
def test_connection_closed_early_fails_the_copy(content, kept):
    reason = failure(HttpPool({URL: http_answer(content[:kept], announced=len(content))}))
    assert reason == "the connection failed: ProtocolError"


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("content", [LARGE_PNG[:-8], LARGE_JPEG[:-2], LARGE_PNG[:500_000], LARGE_JPEG[:70_000]])
def test_image_without_end_marker_fails_the_copy(content, is_chunked):
    reason = failure(HttpPool({URL: http_answer(content, is_chunked=is_chunked)}))
    assert reason.endswith(f"is cut short at {len(content)} bytes")


def test_source_that_stops_silently_fails_the_copy():
    class Silent(io.BytesIO):
        status = 200
        headers = urllib3.HTTPHeaderDict({"Content-Length": "900000"})

        def release_conn(self) -> None:
            pass

    assert failure(HttpPool({URL: Silent(LARGE_PNG[:300_000])})) == "the image ended after 300000 of 900000 bytes"
    assert failure(HttpPool({URL: Silent(LARGE_PNG[:20])})) == "the image ended after 20 bytes"


@pytest.mark.parametrize(
    ("content", "came"),
    [
        (picture(form="GIF"), "a GIF"),
        (picture(form="WEBP"), "a WebP"),
        (b"<Error><Code>AccessDenied</Code></Error>", "an XML document"),
        (b"", "an empty file"),
        (PNG[:20], "a PNG with a damaged header"),
    ],
    ids=["gif", "webp", "xml", "nothing", "header only"],
)
@pytest.mark.parametrize("is_chunked", [False, True])
def test_content_other_than_an_image_is_not_stored(content, came, is_chunked):
    assert failure(HttpPool({URL: http_answer(content, is_chunked=is_chunked)})) == f"not an image: {came}"


@pytest.mark.parametrize("status", [204, 301, 403, 404, 500, 503])
def test_status_other_than_200_fails_the_copy(status):
    assert failure(HttpPool({URL: http_answer(b"", status)})) == f"the provider answered HTTP {status}"


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
    """A connection over which a byte comes every second: whoever asks for many at once waits for all of them."""

    closed = False

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)
        self.now = 0.0

    def read1(self, _amount: int = -1) -> bytes:
        return self.read(1)

    def read(self, amount: int) -> bytes:
        self.now += amount
        return self._content.read(amount)

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("seconds", [240, 70_000])
def test_dripping_image_ends_at_the_deadline(monkeypatch, is_chunked, seconds):
    """Not in its head, not behind it: the function would be killed, and what else has come would not be recorded."""
    drips = Dripping(LARGE_PNG)
    monkeypatch.setattr(copying, "COPY_SECONDS", seconds)
    monkeypatch.setattr(copying.time, "monotonic", lambda: drips.now)
    headers = {} if is_chunked else {"Content-Length": str(len(LARGE_PNG))}
    source = urllib3.HTTPResponse(drips, headers, status=200, preload_content=False, request_method="GET")  # type: ignore[arg-type]
    reason = failure(HttpPool({URL: lambda: source}))
    assert reason == "the time to copy the images in is over"
    assert drips.now <= seconds + 1


class Records(io.BytesIO):
    """A connection over TLS: it gives a record of 16 KB at a time."""

    def read1(self, amount: int | None = -1, /) -> bytes:
        return super().read1(min(amount or -1, 16 * 1024))


def test_small_chunks_are_sent_on_in_large_ones():
    """Each piece is a call of its own all the way down: over TLS that was most of the CPU."""
    head = LARGE_PNG[: 64 * 1024]
    facts = inspect(head)
    stream = copying._CheckedStream(head, Records(LARGE_PNG[len(head) :]), len(LARGE_PNG), facts, ends_at=float("inf"))
    chunks = list(stream)
    assert b"".join(chunks) == LARGE_PNG
    assert len(chunks) == 2 + len(LARGE_PNG) // copying._CHUNK_BYTES


def test_image_past_its_deadline_is_not_requested():
    with pytest.raises(CopyFailed, match="the time to copy"):
        copy_image(0, URL, bucket="outbox", prefix="p", ends_at=0, http=HttpPool({}))  # type: ignore[arg-type]


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


def test_provider_redirects_are_followed_up_to_the_limit():
    def to(host: str) -> urllib3.HTTPResponse:
        return urllib3.HTTPResponse(b"", headers={"Location": f"https://{host}/"}, status=302)

    http = Redirecting({"cdn.test": to("b.test"), "b.test": to("c.test"), "c.test": http_answer(PNG)()})
    assert copy(http).size == len(PNG)
    assert http.asked == ["GET cdn.test", "GET b.test", "GET c.test", "PUT s3.test"]
    assert http.stored == PNG
    assert "MaxRetryError" in failure(Redirecting({"cdn.test": to("cdn.test")}))
