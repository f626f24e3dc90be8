"""The name that OpenSSL gives a root certificate in a folder of roots: a hash of its subject."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

_SEQUENCE, _SET, _UTF8_STRING = 0x30, 0x31, 0x0C
_LATIN_1 = (0x13, 0x14, 0x16, 0x1A)
"""PrintableString, T61String, IA5String and VisibleString. OpenSSL reads a T61String as Latin-1."""

_TEXTS = {_UTF8_STRING: "utf-8", 0x1E: "utf-16-be", 0x1C: "utf-32-be", **dict.fromkeys(_LATIN_1, "latin-1")}
_VERSION = 0xA0


def name_hash(certificate: bytes) -> str:
    """Returns the eight digits that ``openssl x509 -subject_hash`` prints for a certificate in DER form."""
    ((_, body),) = _parts(certificate)
    ((_, signed), *_) = _parts(body)
    fields = [each for each in _parts(signed) if each[0] != _VERSION]
    # Serial number, algorithm, issuer, validity, subject.
    canonical = b"".join(_part(_SET, _canonical(names)) for _, names in _parts(fields[4][1]))
    return f"{int.from_bytes(hashlib.sha1(canonical, usedforsecurity=False).digest()[:4], 'little'):08x}"


def _canonical(names: bytes) -> bytes:
    """Returns a set of names as OpenSSL compares them: in UTF-8, in lower case, with single spaces."""
    found = []
    for _, pair in _parts(names):
        (kind, oid), (tag, value) = _parts(pair)
        if tag in _TEXTS:
            # OpenSSL knows the letters and the spaces of ASCII only.
            words = value.decode(_TEXTS[tag]).encode().lower().split()
            tag, value = _UTF8_STRING, b" ".join(words)
        found.append(_part(_SEQUENCE, _part(kind, oid) + _part(tag, value)))
    return b"".join(sorted(found))


def _parts(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields the tag and the content of each value that follows another."""
    while der:
        tag, length, start = der[0], der[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(der[2:start])
        yield tag, der[start : start + length]
        der = der[start + length :]


def _part(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(size)]) + size + content
