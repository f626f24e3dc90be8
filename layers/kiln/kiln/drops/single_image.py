"""An image at the top of the inbox: a task of one subject, described by the object's own metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.errors import MessageError
from email.header import decode_header, make_header
from typing import Any

from kiln import s3
from kiln.contract.request import CreateRequest, parse_create_request
from kiln.drops.attempts import begin_attempt
from kiln.drops.dropped_image import checked_image
from kiln.errors import InvalidRequest
from kiln.settings import InboxSettings, load
from kiln.tasks.task import Origin, Task

_METADATA_FIELDS = ("model_name", "prompt", "n", "aspect_ratio", "external_task_id")


def single_image(bucket: str, key: str, seen_at: int) -> list[Task]:
    """Makes a task of one image.

    Args:
        bucket: The inbox.
        key: The image's key.
        seen_at: When the inbox was read, in milliseconds since the epoch.

    Raises:
        KilnError: The image or its metadata breaks a limit.
    """
    found = s3.head(bucket, key)
    if found is None:
        return []
    body: dict[str, Any] = {"prompt": load(InboxSettings).default_prompt, **_from_metadata(found.metadata)}

    def request() -> CreateRequest:
        offered = {key: checked_image(found, key)}
        return parse_create_request({**body, "subject_image_list": [{"subject_image": key}]}, offered)

    content = [found.etag, json.dumps(body, sort_keys=True)]
    origin = Origin(channel="drop", folder=key, version=found.version_id or "")
    return [begin_attempt(request, content, origin, seen_at)]


def _from_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    fields = {name.lower().replace("-", "_"): value for name, value in metadata.items()}
    # S3 returns what is not ASCII as RFC 2047 encoded words.
    try:
        return {name: str(make_header(decode_header(fields[name]))) for name in _METADATA_FIELDS if fields.get(name)}
    except (MessageError, LookupError, ValueError) as error:
        raise InvalidRequest(f"metadata: must be UTF-8, got {type(error).__name__}") from error
