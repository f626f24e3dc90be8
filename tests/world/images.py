"""Image files that people have: each with where it comes from, and the right outcome as an input."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.support.images import jpeg_with_long_metadata, picture

CASES = Path(__file__).parents[1] / "support" / "cases"


@dataclass(frozen=True)
class Row:
    """One file.

    Attributes:
        name: Of the row.
        seen: Where such files come from.
        content: The file.
        says: What the refusal's message contains; empty if the image is accepted.
    """

    name: str
    seen: str
    content: bytes
    says: str = ""


def _case(name: str) -> bytes:
    return (CASES / name).read_bytes()


_JPEG = picture(form="JPEG")

ROWS = (
    Row("png", "everywhere", picture()),
    Row("jpeg", "everywhere", _JPEG),
    Row("motion photo", "phones: a video behind the image", _case("motion-photo-30k.jpg")),
    Row("long metadata", "cameras, Photoshop", jpeg_with_long_metadata(320, 2_000_000)),
    Row("bytes behind the end", "encoders that pad", picture() + bytes(64)),
    Row("truncated jpeg", "broken downloads", _case("truncated-60pc.jpg"), "cut short"),
    Row("truncated png", "broken downloads", _case("truncated-mid-idat.png"), "cut short"),
    Row("40 bytes", "broken uploads", _JPEG[:40], "must be a"),
    Row("no end", "cameras that lost power", _case("missing-eoi.jpg"), "cut short"),
    Row("wrong checksum", "text-mode transfers, bad disks", _case("png-bad-crc.png"), "a wrong checksum"),
    Row("bomb", "security reports", _case("bomb-60000x60000-headers.png"), "bytes of data for 60000 x 60000 px"),
    Row("heic as jpg", "iPhones, renamed", _case("heic.jpg"), "a HEIC image: export it as JPEG"),
    Row("pdf as jpg", "scanners", _case("pdf.jpg"), "a PDF: export its page as JPEG"),
    Row("cgbi", "apps' packages (Xcode)", _case("cgbi.png"), "an iPhone-optimised PNG"),
    Row("rotated", "phones held upright", _case("exif6-300x760.jpg"), "got 760 x 300 px"),
    Row("webp as png", "saved from web pages", picture(form="WEBP"), "a WebP: export it as JPEG"),
    Row("gif", "messengers", picture(form="GIF"), "a GIF: export it as JPEG"),
    Row("html", "saved sign-in pages", b"<!DOCTYPE html><html></html>", "an HTML page"),
    Row("access denied", "expired S3 links", b"<?xml version='1.0'?><Error/>", "an XML document"),
    Row("git-lfs pointer", "checkouts without LFS", b"version https://git-lfs.github.com/spec/v1\n", "plain text"),
    Row("empty file", "failed copies", b"", "an empty"),
    Row("299 px", "thumbnails", picture(299, 320), "each side must be at least 300 px, got 299 x 320 px"),
)
