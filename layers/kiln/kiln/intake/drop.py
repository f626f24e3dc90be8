"""The drop protocol: turns what lies in the inbox bucket into tasks, and says in the outbox what is wrong with it.

A job of a folder becomes a task when ``job.json`` and every file that it names are there, in whatever order they came.
An image at the top of the inbox becomes a task of one subject. What an event says of an object is not believed, the
inbox itself is looked at, and a task's id is made of the content: events that come twice, late or out of order make no
second task, and changed content makes a new one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from email.errors import MessageError
from email.header import decode_header, make_header
from typing import Any

from kiln import aws, clock, results
from kiln.contract.request import CreateRequest, parse_create_request
from kiln.contract.vocabulary import TaskStatus
from kiln.errors import IdempotencyKeyReused, InvalidRequest, KilnError
from kiln.intake import attempts, inbox
from kiln.intake.accept import accept
from kiln.intake.job_file import DEFAULTS_FILE, JOB_FILE, Job, read_jobs
from kiln.settings import InboxSettings, load
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Origin, Task, content_task_id

KEY_BYTES = 900
"""Of a dropped object's key: what is written in answer must fit below S3's 1,024 bytes."""

_METADATA_FIELDS = ("model_name", "prompt", "n", "aspect_ratio", "external_task_id")


def object_arrived(bucket: str, key: str, looked_at: set[str] | None = None) -> list[Task]:
    """Takes note of one object in the inbox.

    Args:
        bucket: The inbox.
        key: Of the object.
        looked_at: Folders that have been looked at since this object arrived, and so need no second look; this one's
            is added.

    Returns:
        The tasks that it completed.
    """
    folder, _, name = key.rpartition("/")
    if not name:
        return []  # A folder's own marker, as the S3 console makes them.
    if folder and len(key.encode()) <= KEY_BYTES:
        looked_at = set() if looked_at is None else looked_at
        if name in (JOB_FILE, DEFAULTS_FILE):
            looked_at.add(folder)
            return folder_changed(bucket, folder, may_wait=True)
        return _file_arrived(bucket, folder, looked_at)
    seen_at = clock.milliseconds()
    try:
        if len(key.encode()) > KEY_BYTES:
            key = key.encode()[:KEY_BYTES].decode(errors="ignore")
            raise InvalidRequest(f"name: must be at most {KEY_BYTES} bytes with its folders")
        if name in (JOB_FILE, DEFAULTS_FILE):
            raise InvalidRequest(f"{name}: must lie in a folder together with its images, got one at the top")
        return _single_image(bucket, key, seen_at)
    except KilnError as error:
        results.write_refusal(Origin(door="drop", folder=key), error, seen_at)
        return []


def _file_arrived(bucket: str, folder: str, looked_at: set[str]) -> list[Task]:
    """A job may name files in folders within its own: the one that this file completes lies here or further up."""
    tasks: list[Task] = []
    while folder and not tasks and folder not in looked_at:
        looked_at.add(folder)
        tasks = folder_changed(bucket, folder)
        folder = folder.rpartition("/")[0]
    return tasks


def folder_changed(bucket: str, folder: str, *, may_wait: bool = False, is_last_look: bool = False) -> list[Task]:
    """Makes tasks of a folder's jobs that are complete.

    Args:
        bucket: The inbox.
        folder: Without a trailing slash.
        may_wait: It is ``job.json`` that came: if files are missing, look again later.
        is_last_look: The files had their time: what is missing now is told in ``result.json``.

    Returns:
        The tasks, those that were there before included.
    """
    seen_at = clock.milliseconds()
    try:
        jobs = read_jobs(bucket, folder)
    except KilnError as error:
        results.write_refusal(Origin(door="drop", folder=folder), error, seen_at)
        return []
    tasks = []
    is_waiting = False
    batch = content_task_id("batch", folder, *(job.canonical for job in jobs or []))
    if jobs and jobs[0].parts:
        results.expect_list(folder, batch, jobs[0].parts, seen_at)
    for job in jobs or []:
        origin = _origin(folder, job, batch)
        try:
            files = _files(bucket, folder, job, is_last_look=is_last_look)
            task = _job_task(bucket, job, files, origin, seen_at) if files is not None else None
        except KilnError as error:
            results.write_refusal(origin, error, seen_at)
            continue
        is_waiting = is_waiting or task is None
        tasks += [task] if task is not None else []
    if is_waiting and may_wait:
        _look_again(bucket, folder)
    return tasks


def _origin(folder: str, job: Job, batch: str) -> Origin:
    if not job.parts:
        return Origin(door="drop", folder=folder, version=job.version)
    return Origin(
        door="drop",
        folder=f"{folder}/{job.part}",
        part=job.part,
        parts=job.parts,
        batch=batch,
        version=job.version,
    )


def _files(bucket: str, folder: str, job: Job, *, is_last_look: bool) -> dict[str, inbox.DroppedFile] | None:
    """The files that a job names, or ``None`` while some are missing."""
    files = {name: inbox.head(bucket, f"{folder}/{name}") for name in job.file_names()}
    missing = [name for name, file in files.items() if file is None]
    if missing and is_last_look:
        raise InvalidRequest(f"{JOB_FILE}: names files that are not in the folder, got {', '.join(missing)[:500]}")
    return None if missing else {name: file for name, file in files.items() if file is not None}


def _job_task(bucket: str, job: Job, files: dict[str, inbox.DroppedFile], origin: Origin, seen_at: int) -> Task:
    content = [job.canonical, *(f"{name}\t{file.etag}" for name, file in files.items())]

    def request() -> CreateRequest:
        return parse_create_request(job.body, {name: inbox.checked(bucket, file, name) for name, file in files.items()})

    return _accept(request, content, origin, seen_at)


def _single_image(bucket: str, key: str, seen_at: int) -> list[Task]:
    file = inbox.head(bucket, key)
    if file is None:
        return []
    body: dict[str, Any] = {"prompt": load(InboxSettings).default_prompt, **_from_metadata(file.metadata)}

    def request() -> CreateRequest:
        offered = {key: inbox.checked(bucket, file, key)}
        return parse_create_request({**body, "subject_image_list": [{"subject_image": key}]}, offered)

    content = [file.etag, json.dumps(body, sort_keys=True)]
    return [_accept(request, content, Origin(door="drop", folder=key, version=file.version_id or ""), seen_at)]


def _accept(request: Callable[[], CreateRequest], content: list[str], origin: Origin, seen_at: int) -> Task:
    """The task of this content, as the rules of *attempts* have it; its images are only looked into when it is new."""
    task_id = content_task_id(origin.folder, *content)
    made = attempts.all_from(task_id)
    task = made[-1] if made else None
    if (
        task is not None
        and task.task_status is TaskStatus.FAILED
        and origin.version not in {each.origin.version for each in made}
    ):
        task_id = attempts.next_id(task)
        # A release before this one made the next attempt's id of the version.
        task = attempts.known(content_task_id(origin.folder, *content, origin.version))
    if task is None:
        task = _new(request(), origin, task_id, is_first=not made)
    results.expect(task, seen_at)
    return task


def _new(request: CreateRequest, origin: Origin, task_id: str, *, is_first: bool) -> Task:
    if not is_first:
        request = request.model_copy(update={"external_task_id": None})
    try:
        return accept(request, load(InboxSettings).caller, origin=origin, task_id=task_id)
    except IdempotencyKeyReused:
        # Somebody's retry was faster: the next attempt is that one.
        return TaskStore().get(task_id)


def _from_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    fields = {name.lower().replace("-", "_"): value for name, value in metadata.items()}
    # S3 hands on what is not ASCII as RFC 2047 encoded words.
    try:
        return {name: str(make_header(decode_header(fields[name]))) for name in _METADATA_FIELDS if fields.get(name)}
    except (MessageError, LookupError, ValueError) as error:
        raise InvalidRequest(f"metadata: must be UTF-8, got {type(error).__name__}") from error


def _look_again(bucket: str, folder: str) -> None:
    settings = load(InboxSettings)
    aws.sqs().send_message(
        QueueUrl=settings.queue_url,
        DelaySeconds=settings.wait_seconds,
        MessageBody=json.dumps({"look_again": {"bucket": bucket, "folder": folder}}),
    )
