"""A dropped folder: its jobs become tasks when ``job.json`` and every file that it names are there, in any order.

The event of an object is only a hint; the inbox itself is read. A task's id is made of the content, so events that
arrive twice, late or out of order make no second task, and changed content makes a new one.
"""

from __future__ import annotations

import json

from kiln import aws, clock, s3
from kiln.contract.request import CreateRequest, parse_create_request
from kiln.drops import result_file
from kiln.drops.attempts import begin_attempt
from kiln.drops.dropped_image import checked_image
from kiln.drops.job_file import JOB_FILE, Job, read_jobs
from kiln.errors import InvalidRequest, KilnError
from kiln.s3 import S3Object
from kiln.settings import InboxSettings, load
from kiln.tasks.ids import content_task_id
from kiln.tasks.task import Origin, Task


def folder_changed(bucket: str, folder: str, *, may_wait: bool = False, is_last_check: bool = False) -> list[Task]:
    """Makes tasks of the jobs of a folder that are complete.

    Args:
        bucket: The inbox.
        folder: Without a trailing slash.
        may_wait: ``job.json`` has just arrived: if files are missing, the folder is checked again later.
        is_last_check: The files had their time: ``result.json`` names what is still missing.

    Returns:
        The tasks, including those that existed before.
    """
    seen_at = clock.milliseconds()
    try:
        jobs = read_jobs(bucket, folder)
    except KilnError as error:
        result_file.write_refusal(Origin(channel="drop", folder=folder), error, seen_at)
        return []
    tasks = []
    is_waiting = False
    batch = content_task_id("batch", folder, *(job.canonical for job in jobs or []))
    if jobs and jobs[0].parts:
        result_file.expect_list(folder, batch, jobs[0].parts, seen_at)
    for job in jobs or []:
        origin = _origin(folder, job, batch)
        try:
            files = _files(bucket, folder, job, is_last_check=is_last_check)
            task = _job_task(job, files, origin, seen_at) if files is not None else None
        except KilnError as error:
            result_file.write_refusal(origin, error, seen_at)
            continue
        is_waiting = is_waiting or task is None
        tasks += [task] if task is not None else []
    if is_waiting and may_wait:
        _check_again_later(bucket, folder)
    return tasks


def _origin(folder: str, job: Job, batch: str) -> Origin:
    if not job.parts:
        return Origin(channel="drop", folder=folder, version=job.version)
    return Origin(
        channel="drop",
        folder=f"{folder}/{job.part}",
        part=job.part,
        parts=job.parts,
        batch=batch,
        version=job.version,
    )


def _files(bucket: str, folder: str, job: Job, *, is_last_check: bool) -> dict[str, S3Object] | None:
    """The files that a job names, or ``None`` while some are missing."""
    files = {name: s3.head(bucket, f"{folder}/{name}") for name in job.file_names()}
    missing = [name for name, file in files.items() if file is None]
    if missing and is_last_check:
        raise InvalidRequest(f"{JOB_FILE}: names files that are not in the folder, got {', '.join(missing)[:500]}")
    return None if missing else {name: file for name, file in files.items() if file is not None}


def _job_task(job: Job, files: dict[str, S3Object], origin: Origin, seen_at: int) -> Task:
    content = [job.canonical, *(f"{name}\t{file.etag}" for name, file in files.items())]

    def request() -> CreateRequest:
        return parse_create_request(job.body, {name: checked_image(file, name) for name, file in files.items()})

    return begin_attempt(request, content, origin, seen_at)


def _check_again_later(bucket: str, folder: str) -> None:
    settings = load(InboxSettings)
    aws.sqs().send_message(
        QueueUrl=settings.queue_url,
        DelaySeconds=settings.wait_seconds,
        MessageBody=json.dumps({"check_again": {"bucket": bucket, "folder": folder}}),
    )
