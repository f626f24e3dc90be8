"""Looks at the bytes of a generated image: what it is, how large, and whether its end has arrived. Decodes nothing."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Protocol

from kiln.images.formats import content_type_of

TAIL_BYTES = 4 * 1024

# In image data a marker is FF and a byte that is neither 00 (a literal FF), a restart marker, nor another FF.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_STANDALONE = frozenset({0x01, 0xD8})
_END_OF_IMAGE = 0xD9
_HEADER_BYTES = 8


@dataclass(frozen=True)
class ResultFacts:
    """What a generated image is, by its content.

    Attributes:
        content_type: One of the types in ``kiln.images.formats.EXTENSIONS``.
        width: In pixels, as shown; ``None`` if it cannot be read.
        height: In pixels, as shown; ``None`` if it cannot be read.
    """

    content_type: str
    width: int | None = None
    height: int | None = None


def result_facts(head: bytes) -> ResultFacts | None:
    """What an image's first bytes say; ``None`` if they are of no image that Kiln knows."""
    content_type = content_type_of(head)
    if content_type is None:
        return None
    import imagesize  # noqa: PLC0415 - most functions only name images

    try:
        width, height = imagesize.get(io.BytesIO(head))
    except Exception:  # noqa: BLE001 - a size that cannot be read is no reason to lose the image
        width = height = -1
    if width <= 0 or height <= 0:
        return ResultFacts(content_type)
    return ResultFacts(content_type, int(width), int(height))


def described_bytes(head: bytes) -> str:
    """A name for bytes that are no image, for a message to a person."""
    if not head:
        return "0 bytes"
    start = head[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<"):
        return "HTML" if start.startswith((b"<!doctype html", b"<html")) else "HTML or XML"
    if start.startswith((b"{", b"[")):
        return "JSON"
    return "bytes of another kind"


class End(Protocol):
    """Finds an image's end while its bytes pass."""

    @property
    def is_found(self) -> bool:
        """Whether the end has passed; other bytes may follow it."""

    def feed(self, chunk: bytes) -> None:
        """Takes the next bytes."""


def end_of(content_type: str) -> End:
    """What finds the end of an image of this type."""
    if content_type == "image/jpeg":
        return _JpegEnd()
    if content_type == "image/png":
        return _PngEnd()
    if content_type == "image/webp":
        return _WebpEnd()
    return _GifEnd() if content_type == "image/gif" else _BoxesEnd()


class _JpegEnd:
    """Walks the segments, so that the end of a thumbnail in the metadata is not taken for the image's."""

    def __init__(self) -> None:
        self.is_found = False
        self._rest = b""
        self._skip = 0

    def feed(self, chunk: bytes) -> None:
        if self.is_found:
            return
        data, at = self._rest + chunk, 0
        while True:
            step = min(self._skip, len(data) - at)
            at, self._skip = at + step, self._skip - step
            found = _MARKER.search(data, at)
            if self._skip or found is None:
                # The last byte of image data may begin a marker.
                at = len(data) - (not self._skip and data[at:].endswith(b"\xff"))
                break
            at = found.start()
            code = data[at + 1]
            self.is_found = code == _END_OF_IMAGE
            if self.is_found or (len(data) < at + 4 and code not in _STANDALONE):
                break
            self._skip = 2 if code in _STANDALONE else 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
        self._rest = data[at:]


class _Chunks:
    """Walks parts that begin with their size and name."""

    def __init__(self, before: int) -> None:
        self.is_found = False
        self._rest = b""
        self._skip = before

    def feed(self, chunk: bytes) -> None:
        data, at = self._rest + chunk, 0
        while True:
            step = min(self._skip, len(data) - at)
            at, self._skip = at + step, self._skip - step
            if self._skip or len(data) - at < _HEADER_BYTES:
                break
            self._skip = self._size(data[at : at + _HEADER_BYTES])
        self._rest = data[at:]

    def _size(self, header: bytes) -> int:
        raise NotImplementedError


class _PngEnd(_Chunks):
    def __init__(self) -> None:
        super().__init__(8)

    def _size(self, header: bytes) -> int:
        self.is_found = self.is_found or header[4:] == b"IEND"
        return 8 + int.from_bytes(header[:4], "big") + 4


class _BoxesEnd(_Chunks):
    """AVIF and HEIC: boxes, of which the last one ends with the file."""

    def __init__(self) -> None:
        super().__init__(0)
        self._is_open = False

    def feed(self, chunk: bytes) -> None:
        super().feed(chunk)
        self.is_found = self._is_open or not (self._skip or self._rest)

    def _size(self, header: bytes) -> int:
        size = int.from_bytes(header[:4], "big")
        if size > 1:
            return max(_HEADER_BYTES, size)
        # 0: the box ends with the file. 1: a box of over 4 GB.
        self._is_open = True
        return 1 << 62


class _WebpEnd:
    """WebP says at its beginning how long it is."""

    def __init__(self) -> None:
        self.is_found = False
        self._head = b""
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        self._head = (self._head + chunk[:8])[:8]
        self._size += len(chunk)
        self.is_found = len(self._head) == 8 and self._size >= 8 + int.from_bytes(self._head[4:], "little")


class _GifEnd:
    """GIF ends with a semicolon, which some encoders pad with zeros."""

    def __init__(self) -> None:
        self.is_found = False
        self._tail = b""

    def feed(self, chunk: bytes) -> None:
        self._tail = (self._tail + chunk[-TAIL_BYTES:])[-TAIL_BYTES:]
        self.is_found = self._tail.rstrip(b"\x00").endswith(b";")
