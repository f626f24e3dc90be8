"""Signed S3 links: of a few minutes behind a result link, so that the link itself outlives any signature; of inputs."""

from __future__ import annotations

from typing import Any

from kiln import aws
from kiln.errors import ResourceNotFound, TaskNotFound
from kiln.images import links
from kiln.settings import BucketSettings, load
from kiln.tasks.store import TaskStore
from kiln.tasks.task import KeptInput

LINK_SECONDS = 900
"""How long the link to a generated image is good for."""

_INPUT_SECONDS = 3_600


def download_address(task_id: str, token: str, file: str, *, method: str) -> str:
    """Where a result link leads.

    Args:
        task_id: From the link.
        token: From the link.
        file: From the link.
        method: ``GET`` or ``HEAD``: S3 signs one method, so the caller is sent to a link for its own.

    Raises:
        ResourceNotFound: Kiln did not make this link, or the task is no longer kept.
    """
    index = links.index_of(task_id, token, file)
    if index is None:
        raise ResourceNotFound("no such image")
    try:
        result = TaskStore().get(task_id).result
    except TaskNotFound:
        raise ResourceNotFound("no such image") from None
    image = next((kept for kept in result if kept.index == index), None)
    if image is None:
        raise ResourceNotFound("no such image")
    operation = "head_object" if method == "HEAD" else "get_object"
    return aws.s3().generate_presigned_url(
        operation, Params={"Bucket": load(BucketSettings).outbox_bucket, "Key": image.key}, ExpiresIn=LINK_SECONDS
    )


def input_address(kept: KeptInput) -> str:
    """Where an input image can be read: the caller's own URL, or a link of an hour to the object in S3."""
    if kept.url:
        return kept.url
    place: dict[str, Any] = {"Bucket": kept.bucket, "Key": kept.key}
    if kept.version_id:
        place["VersionId"] = kept.version_id
    return aws.s3().generate_presigned_url("get_object", Params=place, ExpiresIn=_INPUT_SECONDS)
