"""Reading the inbox: what a dropped file is, and whether it is an image the contract allows."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from kiln import s3
from kiln.drops.dropped_image import checked_image
from kiln.errors import InvalidRequest
from kiln.images.inputs import S3Image
from tests.support.images import jpeg_with_long_metadata, padded, picture

INBOX = "kiln-inbox"


@pytest.fixture
def put(cloud):
    def put_object(key: str, content: bytes, **metadata: str) -> str:
        version: str = cloud.s3.put_object(Bucket=INBOX, Key=key, Body=content, Metadata=metadata)["VersionId"]
        return version

    return put_object


@pytest.mark.parametrize("key", ["cat.png", "summer 2026/猫 & dog+1.png", "a/b/c/%41.png"])
def test_file_is_described_by_its_head(put, key):
    version = put(key, picture(), prompt="A cat")
    file = s3.head(INBOX, key)
    assert file is not None
    assert (file.key, file.size, file.version_id) == (key, len(picture()), version)
    assert file.metadata == {"prompt": "A cat"}
    assert file.etag
    assert file.content == b""


def test_missing_file_is_none(put):
    assert s3.head(INBOX, "missing") is None
    assert s3.read(INBOX, "missing", most=10) is None


def test_other_refusal_by_s3_is_a_fault(cloud):
    with pytest.raises(ClientError):
        s3.read("no-such-bucket-of-ours", "key", most=10)


def test_too_large_file_is_read_up_to_the_limit(put):
    put("job.json", b"x" * 100)
    assert s3.read(INBOX, "job.json", most=100).content == b"x" * 100  # type: ignore[union-attr]
    assert s3.read(INBOX, "job.json", most=10).content == b"x" * 11  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "content",
    [picture(), picture(form="JPEG"), padded(picture(), 10_485_760), jpeg_with_long_metadata(320, 400_000)],
    ids=["png", "jpeg", "10 MB", "long metadata"],
)
def test_allowed_image_is_offered_with_its_version(put, content):
    version = put("cat.png", content)
    put("cat.png", b"replaced meanwhile")
    file = s3.S3Object(INBOX, "cat.png", "etag", len(content), version, {})
    assert checked_image(file, "cat.png") == S3Image(INBOX, "cat.png", version, "etag")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must be a jpg, jpeg or png image by its content, got an empty file"),
        (b"hello", "must be a jpg, jpeg or png image by its content, got plain text: send the image itself"),
        (picture(form="GIF"), "must be a jpg, jpeg or png image by its content, got a GIF: export it as JPEG"),
        (picture(299, 300), "each side must be at least 300 px, got 299 x 300 px"),
        (picture(300, 751), "width to height must be from 1:2.5 to 2.5:1, got 300 x 751 px"),
        (padded(picture(), 10_485_761), "must be at most 10 MB (10485760 bytes), got 10485761 bytes"),
        (picture()[:20], "must be a readable image, got a PNG with a damaged header"),
        (b"GIF89a" + bytes(400_000), "must be a jpg, jpeg or png image by its content, got a GIF: export it as JPEG"),
    ],
    ids=["empty", "text", "gif", "299 px", "1:2.5+", "10 MB + 1", "header only", "large gif"],
)
def test_other_content_is_refused_by_name(put, content, message):
    put("cat.png", content)
    file = s3.head(INBOX, "cat.png")
    assert file is not None
    with pytest.raises(InvalidRequest) as refused:
        checked_image(file, "the cat.png")
    assert refused.value.message == f"the cat.png: {message}"
