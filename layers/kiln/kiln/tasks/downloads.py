"""Where a result link leads: to a signed S3 link of a few minutes, so that the result link itself outlives it."""

from __future__ import annotations

from kiln import links
from kiln.errors import ResourceNotFound, TaskNotFound
from kiln.images.stored_links import download_link
from kiln.settings import BucketSettings, load
from kiln.tasks.store import TaskStore


def download_address(task_id: str, token: str, file: str, *, method: str) -> str:
    """Where a result link leads.

    Args:
        task_id: From the link.
        token: From the link.
        file: From the link.
        method: ``GET`` or ``HEAD``, as the link was called.

    Raises:
        ResourceNotFound: Kiln did not make this link, or the task is no longer kept.
    """
    asked = links.result_index(task_id, token, file)
    if asked is None:
        raise ResourceNotFound("no such image")
    index, form = asked
    try:
        # A tombstone has no images.
        result = TaskStore().get(task_id).result
    except TaskNotFound:
        raise ResourceNotFound("no such image") from None
    image = next((each for each in result if each.index == index), None)
    if image is None:
        raise ResourceNotFound("no such image")
    stored = {links.WATERMARK: image.watermarked, links.PREVIEW: image.preview}.get(form, image)
    if stored is None:
        raise ResourceNotFound("no such image")
    return download_link(load(BucketSettings).outbox_bucket, stored.key, method=method)
