"""Checks the bytes of one image on their way to S3: their number, their hash, the format's end, the time."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from kiln.images.result_files import TAIL_BYTES, ResultFacts, end_of

CHUNK_BYTES = 256 * 1024
_END_MARKERS = {"image/png": b"IEND", "image/jpeg": b"\xff\xd9"}


class Hope(IntEnum):
    """How likely the next download of an image is to succeed."""

    NONE = 0
    """Kiln does not follow the link; only another link can help."""

    LITTLE = 1
    """The link leads to no image."""

    MUCH = 2
    """The connection, the source or S3 failed."""


class CopyFailed(Exception):
    """An image did not arrive whole; the message says why. Trying again is harmless."""

    def __init__(self, reason: str, hope: Hope = Hope.MUCH) -> None:
        super().__init__(reason)
        self.hope = hope


@dataclass(frozen=True)
class CopiedBytes:
    """Identifies the bytes of one download."""

    size: int
    sha256: str


class EndMissing(Exception):
    """Every byte has arrived, without the format's end."""

    def __init__(self, seen: CopiedBytes) -> None:
        super().__init__()
        self.seen = seen


class Readable(Protocol):
    """A source of bytes."""

    def read(self, amount: int, /) -> bytes:
        """Returns that many bytes; fewer only at the end."""


class CheckedStream:
    """The stream that S3 reads an image from: it counts, hashes, and sends the last chunk only of a whole image."""

    def __init__(
        self,
        head: bytes,
        rest: Readable,
        length: int,
        facts: ResultFacts,
        ends_at: float,
        seen_before: CopiedBytes | None = None,
    ) -> None:
        self._head = head
        self._rest = rest
        self._length = length
        self._marker = _END_MARKERS.get(facts.content_type)
        self._end = end_of(facts.content_type)
        self._ends_at = ends_at
        self._seen_before = seen_before
        self._tail = b""
        self._sha256 = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """The digest of the bytes so far, in hexadecimal."""
        return self._sha256.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        chunk = self._head
        while True:
            if not chunk:
                raise CopyFailed(f"the image ended after {self.size} of {self._length} bytes")
            check_time(self._ends_at)
            self.size += len(chunk)
            self._sha256.update(chunk)
            self._end.feed(chunk)
            # Only a short chunk needs the bytes before it. To join every chunk to them would copy the image once more.
            self._tail = (self._tail + chunk if len(chunk) < TAIL_BYTES else chunk)[-TAIL_BYTES:]
            if self.size < self._length:
                yield chunk
                chunk = self._rest.read(min(CHUNK_BYTES, self._length - self.size))
                continue
            self._check_end()
            yield chunk
            return

    def _check_end(self) -> None:
        if self._end.is_found or (self._marker is not None and self._marker in self._tail):
            return
        seen = CopiedBytes(self.size, self.sha256)
        if seen != self._seen_before:
            raise EndMissing(seen)


def check_time(ends_at: float) -> None:
    """Raises ``CopyFailed`` once the deadline, by the monotonic clock, has passed."""
    if time.monotonic() > ends_at:
        raise CopyFailed("the time to copy the images in is over")
