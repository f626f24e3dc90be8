"""The bytes of a dropped text file as text and as JSON, in the encodings that editors save."""

from __future__ import annotations

import codecs
import re
from typing import Any

from pydantic_core import from_json

from kiln.errors import MalformedRequest

FILE_BYTES = 1024 * 1024
"""A text file of a drop: at most 1 MB."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef\u2010-\u2027\u00b7\u00d7\U00020000-\U0003ffff]")
_POSITION = re.compile(r" at line (\d+) column (\d+)\Z")
_WIDE = "，：；｛｝［］（）"
_CURLY = "“”„‟‘’‚‛«»＂＇"
_CONTEXT_BYTES = 40


def text_of(name: str, content: bytes) -> str:
    """A file's text: UTF-8, UTF-16 (with or without a byte order mark), or GB18030 and so GBK.

    Raises:
        MalformedRequest: The file is too large, or it is in none of these encodings.
    """
    if len(content) > FILE_BYTES:
        raise MalformedRequest(f"{name}: must be at most {FILE_BYTES} bytes")
    encoding = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), None) or _wide(content)
    try:
        return content.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        if encoding is not None:
            raise _unreadable(name, f"{encoding} that breaks off at byte {error.start}") from error
    try:
        text = content.decode("gb18030")
    except UnicodeDecodeError as error:
        raise _unreadable(name, "bytes that are none of these") from error
    # A French text in Windows-1252 decodes as GB18030, too, but to characters with an ASCII letter in them.
    if any(ord(character) > 127 and not _CHINESE.match(character) for character in text) or not _is_common(text):
        raise _unreadable(name, "another encoding")
    return text


def json_of(name: str, content: bytes) -> Any:
    """A file's JSON value.

    Raises:
        MalformedRequest: It is not JSON; the message has the line, the column and a word for what is there.
    """
    text = text_of(name, content)
    try:
        # Stricter than json.loads: no half surrogate pairs, which no file can be written with, and a bounded depth.
        return from_json(text)
    except ValueError as error:
        raise MalformedRequest(f"{name}: must be JSON, got {_described(text, str(error))}") from error


def _wide(content: bytes) -> str | None:
    """UTF-16 without a byte order mark: every other byte of its ASCII characters is zero."""
    beginning = content[:400]
    even, odd = beginning[0::2].count(0), beginning[1::2].count(0)
    if max(even, odd) * 4 < len(beginning) or len(content) % 2:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _is_common(text: str) -> bool:
    """Whether most of the characters are of GB2312, which nearly all Chinese text is written with."""
    wide = [character for character in text if ord(character) > 127]
    common = sum(len(character.encode("gb2312", "ignore")) == 2 for character in wide)
    return common * 4 >= len(wide) * 3


def _unreadable(name: str, found: str) -> MalformedRequest:
    return MalformedRequest(f"{name}: must be text in UTF-8, UTF-16 or GB18030, got {found}; save it as UTF-8")


def _described(text: str, message: str) -> str:
    position = _POSITION.search(message)
    if position is None:
        return message[:120]
    line, column = int(position[1]), int(position[2])
    lines = text.split("\n")
    # The parser counts bytes; people count characters.
    encoded = lines[min(line, len(lines)) - 1].encode()
    before, rest = encoded[: max(column - 1, 0)], encoded[max(column - 1, 0) :]
    column = len(before.decode(errors="ignore")) + 1
    found = _word(before, rest[:_CONTEXT_BYTES].decode(errors="ignore"), message[: position.start()])
    return f"{found} at line {line}, column {column}"


def _word(before: bytes, rest: str, message: str) -> str:
    if rest.startswith(("//", "/*", "#")):
        return "a comment, which JSON does not have,"
    if message == "trailing comma":
        return "a trailing comma"
    if rest[:1] and rest[0] in _CURLY + "'":
        return f"{rest[0]} in place of a straight double quote"
    if rest[:1] and rest[0] in _WIDE:
        return f"the full-width {rest[0]}"
    if message == "invalid escape":
        return "a backslash, which JSON writes twice,"
    if message == "trailing characters":
        return "more text behind the end"
    if message.startswith("EOF"):
        return "an unexpected end" if before or rest else "an empty file"
    return message
