"""Kiln's promises about an ended task, checked from all sides at once."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from PIL import Image

from tests.integration.client import Client, JsonObject, wait_until
from tests.integration.driver import Deployment

_ENDINGS = {"succeed": "Image Task Succeeded", "failed": "Image Task Failed"}
_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG"}


def assert_succeeded(kiln: Deployment, client: Client, task_id: str, *, n: int = 1) -> JsonObject:
    """The task succeeded with ``n`` whole images, was paid for once, and left nothing behind.

    Returns:
        The task as the API tells of it.
    """
    task = client.wait_for(task_id, "succeed")
    assert kiln.generations(task_id) == 1, "the provider was to make it exactly once"
    assert task["final_unit_deduction"] == str(16 * n)
    assert task["task_status_msg"] == ""
    assert_images_whole(kiln, task, n)
    _assert_ended(kiln, task)
    return task


def assert_failed(kiln: Deployment, client: Client, task_id: str, *, reason: str, generations: int = 1) -> JsonObject:
    """The task failed for this reason and left nothing behind.

    Returns:
        The task as the API tells of it.
    """
    task = client.wait_for(task_id, "failed")
    assert reason in task["task_status_msg"]
    assert task["task_result"]["images"] == []
    assert kiln.generations(task_id) == generations
    _assert_ended(kiln, task)
    return task


def assert_images_whole(kiln: Deployment, task: JsonObject, n: int) -> None:
    """Every image lies in the outbox as it was recorded, opens, and is what its link leads to."""
    links = task["task_result"]["images"]
    assert [image["index"] for image in links] == list(range(n))
    kept = kiln.item(task["task_id"])["result"]
    assert len(kept) == n
    for link, image in zip(links, kept, strict=True):
        stored = kiln.aws.s3.get_object(Bucket=kiln.here["outbox_bucket"], Key=image["key"])
        content = stored["Body"].read()
        _assert_as_recorded(content, stored["ContentType"], image)
        # Without an Authorization header, as real clients fetch it.
        fetched = kiln.http.get(link["url"], follow_redirects=True)
        assert fetched.status_code == 200, fetched.text
        assert fetched.content == content
        assert fetched.headers["content-type"] == image["content_type"]


def _assert_as_recorded(content: bytes, content_type: str, recorded: JsonObject) -> None:
    assert len(content) == recorded["size"]
    assert hashlib.sha256(content).hexdigest() == recorded["sha256"]
    assert content_type == recorded["content_type"]
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        assert image.format == _FORMATS[content_type]
        assert image.size == (recorded["width"], recorded["height"])


def _assert_ended(kiln: Deployment, task: JsonObject) -> None:
    task_id = task["task_id"]
    kiln.wait_for_end(task_id)
    assert not [holder for holder in kiln.holders() if holder.startswith(task_id)], "a slot is held still"
    ending = _ENDINGS[task["task_status"]]
    wait_until(lambda: ending in _types(kiln.events(task_id)), f"the bus tells of {task_id}: {ending}")
    events = kiln.events(task_id)
    assert _types(events).count("Image Task Submitted") == 1
    assert _types(events).count("Image Task Processing") <= 1
    endings = [event for event in events if event["detail-type"] in _ENDINGS.values()]
    assert [event["detail-type"] for event in endings] == [ending]
    assert len({event["detail"]["metadata"]["event_id"] for event in events}) == len(events)
    published = endings[0]["detail"]["data"]
    assert published["task_status"] == task["task_status"]
    assert _links(published) == _links(task)


def _types(events: list[JsonObject]) -> list[str]:
    return [event["detail-type"] for event in events]


def _links(task: JsonObject) -> list[Any]:
    return [image["url"] for image in task["task_result"]["images"]]
