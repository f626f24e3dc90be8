"""Names the format of a file that the contract does not take, and says what a person can do with it."""

from __future__ import annotations

import re

_EXPORT = "export it as JPEG"
_FRAME = "save one frame of it as JPEG"
_ITSELF = "send the image itself"

_BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (b"GIF8", "a GIF", _EXPORT),
    (b"BM", "a BMP", _EXPORT),
    (b"II*\x00", "a TIFF", _EXPORT),
    (b"MM\x00*", "a TIFF", _EXPORT),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image", _EXPORT),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image", _EXPORT),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL image", _EXPORT),
    (b"\xff\x0a", "a JPEG XL image", _EXPORT),
    (b"8BPS", "a Photoshop file", _EXPORT),
    (b"\x00\x00\x01\x00", "an icon (ICO)", _EXPORT),
    (b"%PDF", "a PDF", "export its page as JPEG"),
    (b"PK\x03\x04", "a ZIP archive", "send the images in it one by one"),
    (b"PK\x05\x06", "an empty ZIP archive", "send the images one by one"),
    (b"Rar!", "a RAR archive", "send the images in it one by one"),
    (b"7z\xbc\xaf", "a 7z archive", "send the images in it one by one"),
    (b"\x1f\x8b", "a gzip file", "send the image uncompressed"),
    (b"\x1aE\xdf\xa3", "a video (WebM or Matroska)", _FRAME),
)
"""First bytes, the format's name, and what to do."""

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_IMAGE_BRANDS = frozenset({b"mif1", b"msf1"})
_RIFF = {b"WEBP": ("a WebP", _EXPORT), b"AVI ": ("a video (AVI)", _FRAME)}
_SVG = re.compile(rb"<svg[\s>]", re.IGNORECASE)
_HTML = re.compile(rb"(?:<!--.{0,999}?-->\s*)?<(?:!doctype\s+html|html|head|body|title)", re.IGNORECASE | re.DOTALL)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_LOOK_BYTES = 4_096


def described(head: bytes) -> str:
    """The name of a file's format, for a message: ``a HEIC image``.

    Args:
        head: The first bytes of the file; 4 KB suffice.
    """
    return _recognised(head)[0]


def advised(head: bytes) -> str:
    """The name of a file's format, and what a person can do with it: ``a HEIC image: export it as JPEG``."""
    name, advice = _recognised(head)
    return f"{name}: {advice}" if advice else name


def _recognised(head: bytes) -> tuple[str, str]:
    if not head:
        return "an empty file", ""
    for beginning, name, advice in _BEGINNINGS:
        if head.startswith(beginning):
            return name, advice
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], ("a RIFF file", "send a JPEG or PNG"))
    return _boxed(head) if head[4:8] == b"ftyp" else _written(head)


def _boxed(head: bytes) -> tuple[str, str]:
    """Names a file of ISO media boxes by its major brand and its compatible ones."""
    length = min(int.from_bytes(head[:4], "big"), 256)
    major = head[8:12]
    brands = {major, *(head[at : at + 4] for at in range(16, length, 4))}
    if major in _AVIF_BRANDS or (major in _IMAGE_BRANDS and brands & _AVIF_BRANDS):
        return "an AVIF image", _EXPORT
    if major in _HEIC_BRANDS or major in _IMAGE_BRANDS:
        return "a HEIC image", _EXPORT
    if major == b"crx ":
        return "a camera's raw file", _EXPORT
    return f"a video ({'MOV' if major == b'qt  ' else 'MP4'})", _FRAME


def _written(head: bytes) -> tuple[str, str]:
    """Names a file of text, or one that is not known."""
    beginning = head[:_LOOK_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip()
    if _HTML.match(beginning):
        return "an HTML page", "send the image, or its own address"
    if beginning.startswith(b"<"):
        return ("an SVG drawing", "export it as PNG") if _SVG.search(beginning) else ("an XML document", _ITSELF)
    return ("plain text", _ITSELF) if _is_text(beginning) else ("bytes of no known image format", "send a JPEG or PNG")


def _is_text(beginning: bytes) -> bool:
    if _CONTROLS.search(beginning):
        return False
    try:
        beginning.decode("utf-8")
    except UnicodeDecodeError as error:
        # The last character may be cut in two.
        return error.start > 0 and error.start >= len(beginning) - 3
    return True
