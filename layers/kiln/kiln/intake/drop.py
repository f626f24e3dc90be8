"""The drop protocol: turns what lies in the inbox bucket into tasks, and says in the outbox what is wrong with it.

A folder becomes a task when its ``job.json`` and every file that names are there, in whatever order they came. An image
at the top of the inbox becomes a task of one subject. Everything is told apart by content, so announcing an object
twice, late or out of order makes no second task.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.errors import MessageError
from email.header import decode_header, make_header
from typing import Any

from pydantic_core import from_json

from kiln import aws
from kiln.contract.request import CreateRequest, named_images, parse_create_request
from kiln.errors import InvalidRequest, KilnError, MalformedRequest
from kiln.intake import inbox
from kiln.intake.accept import accept
from kiln.results import write_refusal
from kiln.settings import InboxSettings, load
from kiln.tasks.task import Origin, Task, content_task_id

JOB_FILE = "job.json"
_JOB_BYTES = 1024 * 1024
_METADATA_FIELDS = ("model_name", "prompt", "n", "aspect_ratio", "external_task_id")


def object_arrived(bucket: str, key: str) -> Task | None:
    """Takes note of one object in the inbox.

    Returns:
        The task, when the object completed one.
    """
    folder, _, name = key.rpartition("/")
    if not name:
        return None  # A folder's own marker, as the S3 console makes them.
    if folder:
        return folder_changed(bucket, folder, is_job=name == JOB_FILE)
    try:
        if name == JOB_FILE:
            raise InvalidRequest(f"{JOB_FILE}: must lie in a folder together with its images, got one at the top")
        return _single_image(bucket, key)
    except KilnError as error:
        write_refusal(key, error)
        return None


def folder_changed(bucket: str, folder: str, *, is_job: bool = False, is_last_look: bool = False) -> Task | None:
    """Makes a task of a folder if it is complete.

    Args:
        bucket: The inbox.
        folder: Without a trailing slash.
        is_job: It is ``job.json`` that came: if files are missing, look again later.
        is_last_look: The files had their time: what is missing now is told in ``result.json``.
    """
    job = inbox.read(bucket, f"{folder}/{JOB_FILE}", most=_JOB_BYTES)
    if job is None:
        return None
    try:
        body = _job(job.content)
        names = _names(body)
        files = {name: inbox.head(bucket, f"{folder}/{name}") for name in names}
        missing = [name for name, file in files.items() if file is None]
        if missing:
            if is_last_look:
                raise InvalidRequest(f"{JOB_FILE}: names files that are not in the folder, got {', '.join(missing)}")
            if is_job:
                _look_again(bucket, folder)
            return None
        present = {name: file for name, file in files.items() if file is not None}
        offered = {name: inbox.checked(bucket, file, name) for name, file in present.items()}
        request = parse_create_request(body, offered)
        content = [folder, job.etag, *(f"{name}\t{file.etag}" for name, file in present.items())]
        return _accept(request, folder, content)
    except KilnError as error:
        write_refusal(folder, error)
        return None


def _single_image(bucket: str, key: str) -> Task | None:
    file = inbox.head(bucket, key)
    if file is None:
        return None
    offered = {key: inbox.checked(bucket, file, key)}
    body: dict[str, Any] = {"prompt": load(InboxSettings).default_prompt, **_from_metadata(file.metadata)}
    request = parse_create_request({**body, "subject_image_list": [{"subject_image": key}]}, offered)
    metadata = json.dumps(body, sort_keys=True)
    return _accept(request, key, [key, file.etag, metadata])


def _accept(request: CreateRequest, folder: str, content: list[str]) -> Task:
    return accept(
        request,
        load(InboxSettings).caller,
        origin=Origin(door="drop", folder=folder),
        task_id=content_task_id(*content),
    )


def _job(content: bytes) -> Mapping[str, Any]:
    if len(content) > _JOB_BYTES:
        raise MalformedRequest(f"{JOB_FILE}: must be at most {_JOB_BYTES} bytes")
    try:
        # Stricter than json.loads: no half characters, which nothing could be written with, and no depth without end.
        body = from_json(content.decode("utf-8-sig"))
    except ValueError as error:
        raise MalformedRequest(f"{JOB_FILE}: must be JSON in UTF-8, got {str(error)[:120]}") from error
    if not isinstance(body, dict):
        raise MalformedRequest(f"{JOB_FILE}: must be a JSON object, got {type(body).__name__}")
    return body


def _names(body: Mapping[str, Any]) -> list[str]:
    names = named_images(body)
    for name in names:
        if name.startswith("/") or ".." in name.split("/"):
            raise InvalidRequest(f"{JOB_FILE}: must name files within its folder, got '{name[:80]}'")
    return names


def _from_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    fields = {name.lower().replace("-", "_"): value for name, value in metadata.items()}
    # S3 hands on what is not ASCII as RFC 2047 encoded words.
    try:
        return {name: str(make_header(decode_header(fields[name]))) for name in _METADATA_FIELDS if name in fields}
    except (MessageError, LookupError, ValueError) as error:
        raise InvalidRequest(f"metadata: must be UTF-8, got {type(error).__name__}") from error


def _look_again(bucket: str, folder: str) -> None:
    settings = load(InboxSettings)
    aws.sqs().send_message(
        QueueUrl=settings.queue_url,
        DelaySeconds=settings.wait_seconds,
        MessageBody=json.dumps({"look_again": {"bucket": bucket, "folder": folder}}),
    )
