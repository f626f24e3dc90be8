"""An image at the top of the inbox: a task of one subject, described by the object's own metadata."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from email.errors import MessageError
from email.header import decode_header, make_header
from typing import Any

from kiln import s3
from kiln.contract.request import CreateRequest, parse_create_request
from kiln.drops import names
from kiln.drops.attempts import begin_attempt
from kiln.drops.dropped_image import checked_image
from kiln.errors import InvalidRequest
from kiln.settings import InboxSettings, load
from kiln.tasks.task import Origin, Task

_FIELDS = {name: name for name in ("model_name", "prompt", "n", "aspect_ratio", "external_task_id")} | {
    "model": "model_name"
}
_OF_TOOLS = re.compile(
    r"(s3cmd|rclone|s3fs|file|cb|s3b|mac|win|hdfs|hadoop|dropbox|x_amz|amz|sync|src|copy)_.*"
    r"|[abcm]time|mtime_?\w*|mode|uid|gid|owner|group|permissions?|md5\w*|sha1|sha256|etag|checksum\w*|filename|name"
)
"""Metadata that copying tools write, which no person means as a field of the job."""


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
    fields = _texts(found.metadata)
    body: dict[str, Any] = {"prompt": load(InboxSettings).default_prompt}
    body |= {_FIELDS[name]: value for name, value in fields.items() if name in _FIELDS}

    def request() -> CreateRequest:
        try:
            offered = {key: checked_image(found, key)}
        except InvalidRequest as error:
            raise _not_alone(key, error) if not names.is_image(key) else error from error
        return parse_create_request({**body, "subject_image_list": [{"subject_image": key}]}, offered)

    content = [found.etag, json.dumps(body, sort_keys=True)]
    origin = Origin(channel="drop", folder=key, version=found.version_id or "")
    ignored = tuple(sorted(name for name in fields if name not in _FIELDS and not _OF_TOOLS.fullmatch(name)))
    task = begin_attempt(request, content, origin, found, seen_at, ignored)
    return [task] if task is not None else []


def _not_alone(key: str, error: InvalidRequest) -> InvalidRequest:
    if names.is_archive(key):
        hint = "unpack it, and drop the folder"
    elif names.misnamed([key]) is not None:
        hint = f"a {names.PROMPT_FILE} or {names.JOB_FILE} belongs in a folder, together with its images"
    else:
        hint = "drop a JPEG or PNG image"
    return InvalidRequest(f"{error.message}; {hint}")


def _texts(metadata: Mapping[str, str]) -> dict[str, str]:
    """The metadata by the names of fields, decoded; empty values are left out."""
    written = {name.lower().replace("-", "_"): value for name, value in metadata.items() if value}
    # S3 returns characters outside ASCII as RFC 2047 encoded words.
    try:
        read = {name: str(make_header(decode_header(value))) for name, value in written.items()}
        "".join(read.values()).encode()  # A half surrogate pair has no UTF-8.
    except (MessageError, LookupError, ValueError) as error:
        raise InvalidRequest(f"metadata: must be UTF-8, got {type(error).__name__}") from error
    if "\ufffd" in "".join(read.values()):
        raise InvalidRequest("metadata: must be UTF-8, got characters that cannot be read")
    return read
