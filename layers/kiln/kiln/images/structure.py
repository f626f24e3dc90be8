"""Walks the structure of a PNG or JPEG: every chunk or segment, its checksum and its end. Never decodes pixels."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

from kiln.images.formats import PNG
from kiln.images.limits import IMAGE_PIXELS

_PARTS = 20_000
"""An image of 10 MB has some thousand chunks or segments; each costs a step of the walk."""

_DEFLATE_RATIO = 1_032
"""Deflate makes at most so many bytes of one."""

_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""The samples of a pixel by a PNG's colour type."""

_PALETTE = 3
_BLOCK = 64
_SIZES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
"""The JPEG markers that begin a frame and give its size."""

_HUFFMAN = frozenset({0xC0, 0xC1, 0xC2})
_SCAN, _END = 0xDA, 0xD9
_PADDING = 0xFF
_ALONE = frozenset({0x00, 0x01, *range(0xD0, 0xD9), _PADDING})
"""The JPEG markers without a length."""

_LETTERS = re.compile(rb"[A-Za-z]{4}")


class _Damaged(Exception):
    """The walk cannot continue; the message says how the image is damaged."""


def damage(content: bytes, content_type: str) -> str | None:
    """Says how a PNG or JPEG is damaged, or returns ``None`` if every part is there and has its checksum.

    Bytes behind the end are no damage: phones append videos, and encoders leave padding.

    Args:
        content: The whole file.
        content_type: ``image/png`` or ``image/jpeg``.
    """
    try:
        return _png_damage(content) if content_type == "image/png" else _jpeg_damage(content)
    except _Damaged as damaged:
        return str(damaged)


def _png_damage(content: bytes) -> str | None:
    data, first_data, header, has_palette = 0, b"", b"", False
    for kind, begin, end in _chunks(content):
        if not header and (kind != b"IHDR" or end - begin != 13):
            return "a PNG without a header"
        if kind == b"IHDR":
            header = content[begin:end]
        elif kind == b"PLTE":
            has_palette = True
        elif kind == b"IDAT":
            data += end - begin
            first_data = first_data or content[begin : min(begin + 2, end)]
    return _png_data_damage(header, data, first_data, has_palette=has_palette)


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The chunks of a PNG up to its end, each with its type and where its data begins and ends.

    Raises:
        _Damaged: A chunk is missing, cut short, or has a wrong checksum.
    """
    view = memoryview(content)
    position = len(PNG)
    for _ in range(_PARTS):
        end = position + 8 + int.from_bytes(view[position : position + 4], "big")
        kind = content[position + 4 : position + 8]
        if position + 12 <= len(content) and not _LETTERS.fullmatch(kind):
            raise _Damaged(f"a PNG with a damaged chunk at byte {position}")
        if position + 12 > len(content) or end + 4 > len(content):
            raise _Damaged(_cut_short("PNG", content))
        if zlib.crc32(view[position + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            raise _Damaged(f"a PNG with a wrong checksum in its chunk {kind.decode()} at byte {position}")
        yield kind, position + 8, end
        if kind == b"IEND":
            return
        position = end + 4
    raise _Damaged(f"a PNG with more than {_PARTS} chunks")


def _png_data_damage(header: bytes, data: int, first_data: bytes, *, has_palette: bool) -> str | None:
    width, height, depth, colour = struct.unpack(">IIBB", header[:10])
    if colour not in _SAMPLES or depth not in (1, 2, 4, 8, 16):
        return "a PNG with a damaged header"
    if not data:
        return "a PNG without image data"
    if colour == _PALETTE and not has_palette:
        return "a PNG without its palette"
    if len(first_data) == 2 and (first_data[0] & 0x0F != 8 or int.from_bytes(first_data, "big") % 31):
        return "a PNG with damaged image data"
    pixels = height * (1 + (width * _SAMPLES[colour] * depth + 7) // 8)
    if pixels > data * _DEFLATE_RATIO:
        return _too_little("PNG", data, width, height)
    return _too_large(width, height)


def _jpeg_damage(content: bytes) -> str | None:
    size = None
    for marker, begin, end in _segments(content):
        if marker in _SIZES and end - begin >= 6:
            height, width = struct.unpack(">HH", content[begin + 1 : begin + 5])
            size = width, height, marker in _HUFFMAN
        if marker == _SCAN:
            return _scan_damage(content, end, size)
    return "a JPEG without image data"


def _segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """The segments of a JPEG up to its end or its first scan, each with its marker and where it begins and ends.

    Raises:
        _Damaged: A segment is missing, cut short, or has an impossible length.
    """
    position = 2
    for _ in range(_PARTS):
        position = content.find(b"\xff", position)
        marker = content[position + 1] if 0 <= position < len(content) - 1 else None
        if marker == _END:
            return
        if marker is None or position + 4 > len(content):
            raise _Damaged(_cut_short("JPEG", content))
        if marker in _ALONE:
            position += 1 if marker == _PADDING else 2
            continue
        end = position + 2 + int.from_bytes(content[position + 2 : position + 4], "big")
        if end < position + 4:
            raise _Damaged(f"a JPEG with a damaged segment at byte {position}")
        if end > len(content):
            raise _Damaged(_cut_short("JPEG", content))
        yield marker, position + 4, end
        position = end
    raise _Damaged(f"a JPEG with more than {_PARTS} segments")


def _scan_damage(content: bytes, position: int, size: tuple[int, int, bool] | None) -> str | None:
    # In compressed data 0xff is followed by 0x00 or a restart marker, so the first end marker is the image's own.
    is_last = content.endswith(b"\xff\xd9")
    end = max(position, len(content) - 2) if is_last else content.find(b"\xff\xd9", position)
    if end < 0:
        return f"{_cut_short('JPEG', content)}: its end is missing"
    if size is None:
        return "a JPEG with a damaged header"
    if end == position:
        return "a JPEG without image data"
    width, height, is_huffman = size
    # A block of 8 x 8 pixels takes at least one bit.
    if is_huffman and -(-width // 8) * -(-height // 8) > (end - position) * 8:
        return _too_little("JPEG", end - position, width, height)
    return _too_large(width, height)


def _cut_short(kind: str, content: bytes) -> str:
    return f"a {kind} that is cut short after {len(content)} bytes"


def _too_little(kind: str, data: int, width: int, height: int) -> str:
    return f"a {kind} with {data} bytes of data for {width} x {height} px"


def _too_large(width: int, height: int) -> str | None:
    return (
        f"{width} x {height} px, over {IMAGE_PIXELS // 1_000_000} megapixels" if width * height > IMAGE_PIXELS else None
    )
