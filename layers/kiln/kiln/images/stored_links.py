"""Links to the images that a task keeps in S3, and their bytes for a provider that cannot follow a link."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from kiln import aws

if TYPE_CHECKING:
    from kiln.images.stored import StoredInput

LINK_SECONDS = 900
"""How long the link to a generated image is good for."""

_INPUT_LINK_SECONDS = 3_600


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
