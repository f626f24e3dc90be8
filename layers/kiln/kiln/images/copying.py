"""Copies an image from the provider to S3 as a stream: never whole in memory, checked on the way, repeatable."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, Protocol

import urllib3

from kiln.images import storage
from kiln.images.formats import EXTENSIONS
from kiln.images.inspection import ImageFacts, ImageViolation, inspect, is_whole
from kiln.images.stored import StoredImage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

COPY_SECONDS = 200.0
"""All images of a task have this long together: the function's own limit is 300 s, and must not be what ends it.

Before them the provider is asked (25 s at most); after them a last connection may take 65 s to say nothing.
"""

CONCURRENT_COPIES = 4
"""Images copied at once: beyond this a Lambda's network is full and only memory grows."""

_CHUNK_BYTES = 256 * 1024
_HEAD_BYTES = 64 * 1024
_LONGEST_HEAD_BYTES = 1024 * 1024
_TAIL_BYTES = 4 * 1024
_SPOOLED_BYTES = 100 * 1024 * 1024
# A total of 0 would outrank the redirects and refuse the first of them.
_REDIRECTS = urllib3.Retry(total=None, connect=0, read=0, redirect=3, status=0, other=0)


class CopyFailed(Exception):
    """An image did not arrive whole; the message says why. Trying again is harmless."""


class _Readable(Protocol):
    # Gives what has come, and waits only where nothing has: to wait for a number of bytes would be to wait for as long
    # as an image that drips takes, as the connection's own limit begins anew with every byte.
    def read1(self, amount: int, /) -> bytes: ...


class _CheckedStream:
    """What S3 reads the image from: counts, hashes, holds the last chunk back until the image is known to be whole."""

    def __init__(self, head: bytes, rest: _Readable, length: int, facts: ImageFacts, ends_at: float) -> None:
        self._head = head
        self._rest = rest
        self._length = length
        self._facts = facts
        self._ends_at = ends_at
        self._tail = b""
        self._sha256 = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        chunk = self._head
        while True:
            if not chunk:
                raise CopyFailed(f"the image ended after {self.size} of {self._length} bytes")
            _check(self._ends_at)
            self.size += len(chunk)
            self._sha256.update(chunk)
            # Only a short chunk needs what came before it: to join every chunk to it would copy the image once more.
            self._tail = (self._tail + chunk if len(chunk) < _TAIL_BYTES else chunk)[-_TAIL_BYTES:]
            if self.size < self._length:
                yield chunk
                chunk = self._gathered()
                continue
            if not is_whole(self._tail, self._facts.content_type):
                raise CopyFailed(f"the {self._facts.content_type} is cut short at {self.size} bytes")
            yield chunk
            return

    def _gathered(self) -> bytes:
        """What comes next, and enough of it to be worth a hash and a write: TLS gives 16 KB at a time."""
        parts: list[bytes] = []
        missing = min(_CHUNK_BYTES, self._length - self.size)
        while missing > 0 and (part := self._rest.read1(missing)):
            _check(self._ends_at)
            parts.append(part)
            missing -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def copy_image(
    index: int,
    url: str,
    *,
    bucket: str,
    prefix: str,
    ends_at: float | None = None,
    s3: S3Client | None = None,
    http: urllib3.PoolManager | None = None,
) -> StoredImage:
    """Copies one image to ``{prefix}/{index}.{extension}``; copying it again writes the same object.

    Checked: HTTP 200, an image by content, as many bytes as announced, the format's end marker. What fails a check is
    never put together by S3, so no half image is ever seen there.

    Args:
        index: Number of the image within the task.
        url: At the provider.
        bucket: Where to.
        prefix: The key's beginning.
        ends_at: When to give up, by the monotonic clock; after ``COPY_SECONDS`` if not given.
        s3: Signs the link that is written through.
        http: Moves the bytes.

    Raises:
        CopyFailed: It did not arrive whole.
    """
    http = http or storage.http()
    ends_at = time.monotonic() + COPY_SECONDS if ends_at is None else ends_at
    _check(ends_at)
    try:
        source = http.request("GET", url, preload_content=False, redirect=True, retries=_REDIRECTS)
        try:
            if source.status != 200:
                raise CopyFailed(f"the provider answered HTTP {source.status}")
            announced = source.headers.get("Content-Length", "")
            if announced.isdigit() and "Content-Encoding" not in source.headers:
                return _store(source, int(announced), ends_at, index, (bucket, prefix), s3=s3, http=http)
            with tempfile.TemporaryFile() as spool:
                length = _spool(source, spool, ends_at)
                return _store(spool, length, ends_at, index, (bucket, prefix), s3=s3, http=http)
        finally:
            source.close()
            source.release_conn()
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise CopyFailed(f"the connection failed: {type(error).__name__}") from error
    except ImageViolation as error:
        raise CopyFailed(f"not an image: {error.got}") from error


def _spool(source: _Readable, spool: BinaryIO, ends_at: float) -> int:
    length = 0
    while chunk := source.read1(_CHUNK_BYTES):
        _check(ends_at)
        length += spool.write(chunk)
        if length > _SPOOLED_BYTES:
            raise CopyFailed(f"the image has no announced length and is over {_SPOOLED_BYTES} bytes")
    spool.seek(0)
    return length


def _store(
    source: _Readable,
    length: int,
    ends_at: float,
    index: int,
    target: tuple[str, str],
    *,
    s3: S3Client | None,
    http: urllib3.PoolManager,
) -> StoredImage:
    head, facts = _head(source, length, ends_at)
    bucket, prefix = target
    key = f"{prefix}/{index}.{EXTENSIONS[facts.content_type]}"
    stream = _CheckedStream(head, source, length, facts, ends_at)
    try:
        storage.store_stream(bucket, key, stream, length, facts.content_type, s3=s3, pool=http)
    except storage.StorageFailed as refusal:
        raise CopyFailed(str(refusal)) from refusal
    return StoredImage(
        index=index,
        key=key,
        size=stream.size,
        sha256=stream.sha256,
        width=facts.width,
        height=facts.height,
        content_type=facts.content_type,
    )


def _head(source: _Readable, length: int, ends_at: float) -> tuple[bytes, ImageFacts]:
    """Reads as much as it takes to know the image's size: a JPEG may carry long metadata before it."""
    head = _read_up_to(source, min(_HEAD_BYTES, length), ends_at)
    try:
        return head, inspect(head)
    except ImageViolation:
        if len(head) >= length:
            raise
    head += _read_up_to(source, min(_LONGEST_HEAD_BYTES, length) - len(head), ends_at)
    return head, inspect(head)


def _read_up_to(source: _Readable, amount: int, ends_at: float) -> bytes:
    parts = bytearray()
    while len(parts) < amount:
        chunk = source.read1(amount - len(parts))
        if not chunk:
            raise CopyFailed(f"the image ended after {len(parts)} bytes")
        _check(ends_at)
        parts += chunk
    return bytes(parts)


def _check(ends_at: float) -> None:
    if time.monotonic() > ends_at:
        raise CopyFailed("the time to copy the images in is over")
