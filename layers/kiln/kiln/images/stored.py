"""Images that lie in S3: the inputs and results that a task keeps, the check of an input, and the links to both."""

from __future__ import annotations

import base64
from typing import Any

from pydantic import BaseModel

from kiln import aws, s3
from kiln.images.inputs import S3Image
from kiln.images.inspection import check_input, check_size
from kiln.s3 import S3Object

LINK_SECONDS = 900
"""How long the link to a generated image is good for."""

_INPUT_LINK_SECONDS = 3_600


class StoredInput(BaseModel, defer_build=True):
    """One input image of an accepted task: a URL, or an object in S3."""

    field: str
    url: str | None = None
    bucket: str | None = None
    key: str | None = None
    version_id: str | None = None


class StoredFile(BaseModel, defer_build=True):
    """One file in the outbox bucket.

    Attributes:
        key: Key of the object.
        size: In bytes.
        sha256: Of the bytes, in hexadecimal.
        width: In pixels; ``None`` if it cannot be read.
        height: In pixels; ``None`` if it cannot be read.
        content_type: By content.
    """

    key: str
    size: int
    sha256: str
    width: int | None = None
    height: int | None = None
    content_type: str


class PreviewFile(BaseModel, defer_build=True):
    """The preview of a generated image, in the outbox bucket beside it.

    Attributes:
        key: Key of the object.
        size: In bytes.
        content_type: Of the preview; the image's own may be another.
    """

    key: str
    size: int
    content_type: str


class StoredImage(StoredFile):
    """One generated image in the outbox bucket.

    Attributes:
        index: Number within the task, from 0.
        watermarked: The same image with a watermark, if the task asked for one and the provider made it.
        preview: A small copy of the image; ``None`` if none could be made.
    """

    index: int
    watermarked: StoredFile | None = None
    preview: PreviewFile | None = None


def check_stored(found: S3Object) -> S3Image:
    """Reads an image in S3 and checks it against the contract, in one request.

    Raises:
        ImageViolation: It breaks a limit.
    """
    check_size(found.size)
    check_input(s3.beginning(found, found.size))
    return S3Image(bucket=found.bucket, key=found.key, version_id=found.version_id, etag=found.etag)


def input_link(stored: StoredInput) -> str:
    """Where an input image can be read: the caller's own URL, or a link of an hour to the object in S3."""
    if stored.url:
        return stored.url
    return aws.s3().generate_presigned_url("get_object", Params=_place(stored), ExpiresIn=_INPUT_LINK_SECONDS)


def input_content(stored: StoredInput) -> str:
    """The bytes of an input image in S3 as Base64, for a provider that cannot follow a link to it.

    Raises:
        ClientError: The object cannot be read.
    """
    answer = aws.s3().get_object(**_place(stored))
    return base64.b64encode(answer["Body"].read()).decode()


def _place(stored: StoredInput) -> dict[str, Any]:
    place: dict[str, Any] = {"Bucket": stored.bucket, "Key": stored.key}
    if stored.version_id:
        place["VersionId"] = stored.version_id
    return place


def download_link(bucket: str, key: str, *, method: str) -> str:
    """A signed link to a generated image, good for ``LINK_SECONDS``.

    Args:
        bucket: The outbox bucket.
        key: Key of the image.
        method: ``GET`` or ``HEAD``: S3 signs one method.
    """
    operation = "head_object" if method == "HEAD" else "get_object"
    return aws.s3().generate_presigned_url(operation, Params={"Bucket": bucket, "Key": key}, ExpiresIn=LINK_SECONDS)
