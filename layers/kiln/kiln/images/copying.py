"""Copies an image from the provider to S3 as a stream: never whole in memory, checked on the way, repeatable."""

from __future__ import annotations

import contextlib
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import urllib3

from kiln.images import storage
from kiln.images.checked_stream import (
    CHUNK_BYTES,
    CheckedStream,
    CopiedBytes,
    CopyFailed,
    EndMissing,
    Hope,
    Readable,
    check_time,
)
from kiln.images.formats import EXTENSIONS
from kiln.images.result_files import ResultFacts, described_bytes, result_facts
from kiln.images.result_links import LinkRefused, open_link
from kiln.images.stored import StoredFile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

COPY_SECONDS = 200.0
"""All images of a task have this long together, so that the function never reaches its own limit of 300 s.

The question to the provider before takes 25 s at most, and a last connection without an answer 65 s.
"""

CONCURRENT_COPIES = 4
"""Images copied at once: beyond this a Lambda's network is full and only memory grows."""

_HEAD_BYTES = (64 * 1024, 1024 * 1024, 4 * 1024 * 1024)
"""How much of a JPEG is read for its size: metadata of any length may come before it."""

_SPOOLED_BYTES = 100 * 1024 * 1024
_LENGTH_DIGITS = 15

_LASTING = frozenset({404, 410})
"""HTTP statuses that rarely change."""

_WHOLE_RANGE = re.compile(r"bytes 0-(\d{1,15})/(\d{1,15})")


def copy_image(
    name: str,
    url: str,
    *,
    bucket: str,
    prefix: str,
    ends_at: float | None = None,
    s3: S3Client | None = None,
    http: urllib3.PoolManager | None = None,
) -> StoredFile:
    """Copies one image to ``{prefix}/{name}.{extension}``; copying it again writes the same object.

    Checked: the link, HTTP 200, an image by content, as many bytes as stated, the format's end. An image without
    its end is stored if a second download brings the same bytes: then the source has no more of it. S3 stores
    nothing of an image that fails a check.

    Args:
        name: Of the file, without the extension.
        url: At the provider.
        bucket: Where to.
        prefix: The key's beginning.
        ends_at: When to give up, by the monotonic clock; after ``COPY_SECONDS`` if not given.
        s3: Signs the link that is written through.
        http: Moves the bytes, to S3 and from the provider.

    Raises:
        CopyFailed: It did not arrive whole.
    """
    ends_at = time.monotonic() + COPY_SECONDS if ends_at is None else ends_at
    copy = _Copy(name, bucket, prefix, ends_at, s3=s3, http=http)
    try:
        return copy.attempt(url)
    except EndMissing as first:
        try:
            return copy.attempt(url, first.seen)
        except EndMissing as second:
            raise CopyFailed(f"the image is cut short at {first.seen.size} and {second.seen.size} bytes") from None


@dataclass(frozen=True)
class _Copy:
    """Where one image goes, and by when."""

    name: str
    bucket: str
    prefix: str
    ends_at: float
    s3: S3Client | None
    http: urllib3.PoolManager | None

    def attempt(self, url: str, seen_before: CopiedBytes | None = None) -> StoredFile:
        """Downloads once; the same bytes as before are the whole image, with or without an end."""
        check_time(self.ends_at)
        try:
            source = open_link(url, self.http)
            with _ending(source, self.ends_at):
                _check_status(source)
                stated = _length_of(source)
                if stated is not None:
                    return self._store(source, stated, seen_before)
                with tempfile.TemporaryFile() as spool:
                    return self._store(spool, _spool(source, spool, self.ends_at), seen_before)
        except LinkRefused as refusal:
            raise CopyFailed(str(refusal), Hope.NONE) from None
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            check_time(self.ends_at)
            raise CopyFailed(f"the connection failed: {type(error).__name__}") from error

    def _store(self, source: Readable, length: int, seen_before: CopiedBytes | None) -> StoredFile:
        head, facts = _head(source, length, self.ends_at)
        key = f"{self.prefix}/{self.name}.{EXTENSIONS[facts.content_type]}"
        stream = CheckedStream(head, source, length, facts, self.ends_at, seen_before)
        try:
            storage.store_stream(self.bucket, key, stream, length, facts.content_type, s3=self.s3, pool=self.http)
        except storage.StorageFailed as refusal:
            raise CopyFailed(str(refusal)) from refusal
        return StoredFile(
            key=key,
            size=stream.size,
            sha256=stream.sha256,
            width=facts.width,
            height=facts.height,
            content_type=facts.content_type,
        )


@contextlib.contextmanager
def _ending(source: urllib3.BaseHTTPResponse, ends_at: float) -> Iterator[None]:
    """Closes an answer in the end, and stops a read that is still waiting at the deadline.

    The connection's own limit begins again with every byte, so a read of many bytes would wait for as long as an image
    that arrives slowly takes.
    """

    def stop() -> None:
        # The last byte may have arrived meanwhile. Then the connection is no longer the answer's.
        with contextlib.suppress(RuntimeError):
            source.shutdown()

    timer = threading.Timer(ends_at - time.monotonic(), stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        source.close()
        source.release_conn()


def _check_status(source: urllib3.BaseHTTPResponse) -> None:
    if source.status == 200:
        return
    if source.status == 206:
        covered = _WHOLE_RANGE.fullmatch(source.headers.get("Content-Range", ""))
        if covered is not None and int(covered[1]) + 1 == int(covered[2]):
            return
        raise CopyFailed("the provider answered HTTP 206 with a part of the image")
    hope = Hope.LITTLE if source.status in _LASTING else Hope.MUCH
    raise CopyFailed(f"the provider answered HTTP {source.status}", hope)


def _length_of(source: urllib3.BaseHTTPResponse) -> int | None:
    """The stated number of bytes, if it can be believed: other digits than ours are no length."""
    stated = source.headers.get("Content-Length", "").strip()
    if not (stated.isascii() and stated.isdecimal()) or len(stated) > _LENGTH_DIGITS:
        return None
    return None if "Content-Encoding" in source.headers else int(stated)


def _spool(source: Readable, spool: BinaryIO, ends_at: float) -> int:
    length = 0
    while chunk := source.read(CHUNK_BYTES):
        check_time(ends_at)
        length += spool.write(chunk)
        if length > _SPOOLED_BYTES:
            raise CopyFailed(f"the image has no stated length and is over {_SPOOLED_BYTES} bytes")
    spool.seek(0)
    return length


def _head(source: Readable, length: int, ends_at: float) -> tuple[bytes, ResultFacts]:
    """Reads as much as it takes to know the image's type, and the size of a JPEG with long metadata."""
    head, facts = b"", None
    for amount in _HEAD_BYTES:
        head += _read_up_to(source, min(amount, length) - len(head), ends_at)
        facts = result_facts(head)
        if facts is None:
            raise CopyFailed(f"not an image: {described_bytes(head)}", Hope.LITTLE)
        if facts.width is not None or facts.content_type != "image/jpeg" or len(head) >= length:
            break
    assert facts is not None  # noqa: S101 - there is more than one amount
    return head, facts


def _read_up_to(source: Readable, amount: int, ends_at: float) -> bytes:
    content = source.read(amount)
    check_time(ends_at)
    if len(content) < amount:
        raise CopyFailed(f"the image ended after {len(content)} bytes")
    return content
