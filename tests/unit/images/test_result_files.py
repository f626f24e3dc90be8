"""The end of an image while its bytes pass, in pieces of any size; and what the files that people have are."""

from __future__ import annotations

import random

import pytest

from kiln.images.result_files import ResultFacts, end_of, result_facts
from tests.support.images import picture

FORMS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/gif": "GIF", "image/avif": "AVIF"}


def is_found(content: bytes, content_type: str, piece: int) -> bool:
    end = end_of(content_type)
    for start in range(0, len(content), piece):
        end.feed(content[start : start + piece])
    return end.is_found


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 64, 100_000])
@pytest.mark.parametrize("content_type", FORMS)
def test_the_end_is_found_in_pieces_of_any_size(content_type, piece):
    content = picture(form=FORMS[content_type])
    assert is_found(content, content_type, piece)
    for missing in (1, 2) if content_type == "image/jpeg" else (1, 9) if content_type != "image/png" else (8, 9):
        assert not is_found(content[:-missing], content_type, piece)


@pytest.mark.parametrize("piece", [1, 5, 100_000])
@pytest.mark.parametrize("content_type", ["image/png", "image/jpeg", "image/webp"])
def test_the_end_is_found_before_other_bytes(content_type, piece):
    assert is_found(picture(form=FORMS[content_type]) + b"\xff" * 20 + b"video", content_type, piece)


def test_a_marker_in_a_segment_of_a_jpeg_is_not_its_end():
    jpeg = picture(form="JPEG")
    comment = b"\xff\xfe\x00\x08\xff\xd9\xff\xd9\xff\xd9"
    for piece in (1, 3, 10_000):
        assert not is_found(jpeg[:2] + comment + jpeg[2:-2], "image/jpeg", piece)
        assert is_found(jpeg[:2] + comment + jpeg[2:], "image/jpeg", piece)


def test_random_bytes_never_make_it_raise():
    chance = random.Random(1)
    for _ in range(2_000):
        start = chance.choice(
            [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF0000WEBP", b"\x00\x00\x00\x18ftypavif"]
        )
        content = start + chance.randbytes(chance.randrange(200))
        facts = result_facts(content)
        assert facts is not None
        is_found(content, facts.content_type, chance.randrange(1, 50))


def test_a_size_that_cannot_be_read_is_none():
    assert result_facts(b"\xff\xd8\xff\xe0\x00") == ResultFacts("image/jpeg")
    assert result_facts(picture()[:20]) == ResultFacts("image/png")
    assert result_facts(b"BM" + bytes(60)) is None
