"""The check of a folder once its files had time to arrive: tasks begin, or ``result.json`` says what is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kiln import clock
from kiln.contract.vocabulary import SUBJECTS
from kiln.drops import later, names, result_file
from kiln.drops.folder import begin_folder, begin_job, begin_named, upwards
from kiln.drops.job_file import Job
from kiln.drops.prompt_file import NoSubject, read_prompt
from kiln.drops.reader import InboxReader
from kiln.errors import InvalidRequest, KilnError
from kiln.s3 import S3Object
from kiln.settings import InboxSettings, load
from kiln.tasks.task import Origin, Task


@dataclass(frozen=True)
class _Check:
    """One check of a folder.

    Attributes:
        reader: Of this batch of messages.
        bucket: The inbox.
        folder: Without a trailing slash.
        checks: How often the folder has been checked without a result.
        files: When each of its files was uploaded, in seconds since the epoch, by name; without system files.
    """

    reader: InboxReader
    bucket: str
    folder: str
    checks: int
    files: Mapping[str, int]

    def is_quiet_for(self, seconds: int) -> bool:
        """Whether no file has arrived for so long, or files have kept arriving for too long to wait for a pause."""
        return self.checks >= later.MOST_CHECKS or self._missing_quiet(seconds) <= 0

    def again(self, seconds: int) -> None:
        """Schedules the next check for when no file has arrived for so long."""
        remaining = max(1, math.ceil(self._missing_quiet(seconds)))
        later.check_later(self.bucket, self.folder, remaining, checks=self.checks + 1)

    def refuse(self, error: KilnError, *, job: Mapping[str, Any] | None = None) -> None:
        """Writes what is wrong with the folder."""
        result_file.write_refusal(self.origin(), error, self.reader.seen_at, job=job)

    def origin(self, version: str = "") -> Origin:
        """Where the tasks of this folder come from."""
        return Origin(channel="drop", folder=self.folder, version=version)

    def _missing_quiet(self, seconds: int) -> float:
        return seconds - (clock.milliseconds() / 1_000 - max(self.files.values(), default=0))


def check_folder(reader: InboxReader, bucket: str, folder: str, checks: int = 0) -> list[Task]:
    """Checks a folder, or schedules another check while files keep arriving.

    Returns:
        The tasks of the folder, including those that existed before.
    """
    listed = reader.files(bucket, folder)
    files = {file.name: file.modified_at for file in listed if not names.is_system_file(f"{folder}/{file.name}")}
    check = _Check(reader, bucket, folder, checks, files)
    job, prompt = (names.named_in(files, wanted) for wanted in (names.JOB_FILE, names.PROMPT_FILE))
    if any(name is not None and reader.is_forgotten(folder, files[name]) for name in (job, prompt)):
        return []
    if _has_jobs(check, job):
        return _tasks_of_jobs(check)
    if prompt is not None:
        return _tasks_of_prompt(check, prompt)
    tasks, is_described = _tasks_above(check)
    if files and not is_described:
        _ask_for_job(check)
    return tasks


def _has_jobs(check: _Check, listed: str | None) -> bool:
    """Whether the folder has a ``job.json``, in any case; in a folder of over 1,000 files it may not be listed."""
    if listed is not None:
        check.reader.note(check.folder, job=listed)
        return True
    try:
        return check.reader.jobs(check.bucket, check.folder) is not None
    except KilnError:
        return True


def _tasks_of_jobs(check: _Check) -> list[Task]:
    wait_seconds = load(InboxSettings).wait_seconds
    is_last = check.is_quiet_for(wait_seconds)
    tasks, is_waiting = begin_folder(check.reader, check.bucket, check.folder, is_last_check=is_last)
    if is_waiting:
        check.again(wait_seconds)
    return tasks


def _tasks_above(check: _Check) -> tuple[list[Task], bool]:
    """The tasks of a folder above whose jobs name files of this one, and whether any folder above has jobs."""
    is_described = False
    for above in upwards(check.folder)[1:]:
        paths = [f"{check.folder}/{name}".removeprefix(f"{above}/") for name in check.files]
        if _is_forgotten(check, above):
            is_described = True
            continue
        tasks, is_named, is_here = begin_named(check.reader, check.bucket, above, paths)
        if is_named:
            return tasks, True
        is_described = is_described or is_here
    return [], is_described


def _is_forgotten(check: _Check, above: str) -> bool:
    try:
        jobs = check.reader.jobs(check.bucket, above)
    except KilnError:
        return False
    return jobs is not None and check.reader.is_forgotten(above, jobs.modified_at)


def _tasks_of_prompt(check: _Check, name: str) -> list[Task]:
    settings = load(InboxSettings)
    check.reader.note(check.folder, prompt=name)
    if not check.is_quiet_for(settings.quiet_seconds):
        check.again(settings.quiet_seconds)
        return []
    try:
        job = read_prompt(check.bucket, check.folder, name, list(check.files))
        task = _task_of_prompt(check, job) if job is not None else None
    except NoSubject as error:
        if check.is_quiet_for(settings.wait_seconds):
            check.refuse(error)
        else:
            check.again(settings.wait_seconds)
        return []
    except KilnError as error:
        check.refuse(error)
        return []
    return [task] if task is not None else []


def _task_of_prompt(check: _Check, job: Job) -> Task | None:
    files: dict[str, S3Object] = {}
    for _, path in job.file_names():
        found = check.reader.head(check.bucket, f"{check.folder}/{path}")
        if found is None:
            return None  # It was deleted just now.
        files[path] = found
    return begin_job(check.reader, job, files, check.origin(job.file.version_id or ""))


def _ask_for_job(check: _Check) -> None:
    """Says that the folder lacks a description of its job, once its files had time to arrive."""
    wait_seconds = load(InboxSettings).wait_seconds
    if not check.is_quiet_for(wait_seconds):
        check.again(wait_seconds)
        return
    found = names.misnamed(list(check.files))
    if found is not None:
        wrong, right = found
        is_yaml = names.is_yaml(wrong)
        error = f"{right}: must be the name of the file, got '{wrong}'; " + (
            "write it as JSON" if is_yaml else f"rename it to {right}"
        )
    else:
        count = sum(map(names.is_picture, check.files))
        images = "1 image" if count == 1 else f"{count or 'no'} images"
        error = (
            f"{names.JOB_FILE}: is missing, got {images} and no description of the job; "
            f"add a {names.PROMPT_FILE} with a prompt, or the {names.JOB_FILE} below"
        )
    check.refuse(InvalidRequest(error), job=_smallest_job(list(check.files)))


def _smallest_job(files: list[str]) -> dict[str, Any]:
    """A ``job.json`` that would do for these files."""
    images = sorted(filter(names.is_image, files), key=names.in_order)
    subjects = [name for name in images if names.stem(name) not in ("scene", "style")] or images or ["picture.jpg"]
    job: dict[str, Any] = {
        "prompt": "Say here what to generate",
        "subject_image_list": [{"subject_image": name} for name in subjects[: SUBJECTS[1]]],
    }
    for role in ("scene", "style"):
        job |= {f"{role}_image": name for name in images if names.stem(name) == role and name not in subjects}
    return job
