"""A dropped folder: its jobs become tasks when ``job.json`` and every file that it names are there, in any order.

The event of an object is only a hint; the inbox itself is read. A task's id is made of the content, so events that
arrive twice, late or out of order make no second task, and changed content makes a new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kiln import clock
from kiln.contract.request import CreateRequest, parse_create_request
from kiln.drops import later, result_file
from kiln.drops.attempts import begin_attempt
from kiln.drops.dropped_image import checked_image
from kiln.drops.job_file import FOLDERS_BELOW, Job, JobList
from kiln.drops.ledger import Made
from kiln.drops.names import JOB_FILE
from kiln.drops.reader import InboxReader
from kiln.errors import InvalidRequest, KilnError
from kiln.images.inputs import S3Image
from kiln.s3 import S3Object
from kiln.settings import InboxSettings, TableSettings, load
from kiln.tasks.batches import Batch, Batches
from kiln.tasks.ids import content_task_id
from kiln.tasks.task import Origin, Task

JOBS_PER_MESSAGE = 25
"""One message begins at most so many jobs of a list, which read at most six files each."""


def job_file_arrived(
    reader: InboxReader, bucket: str, folder: str, *, first: int = 1, is_last_check: bool = False
) -> list[Task]:
    """Makes tasks of the jobs of a folder that are complete, and schedules a check if files are missing."""
    tasks, is_waiting = begin_folder(reader, bucket, folder, first=first, is_last_check=is_last_check)
    if is_waiting:
        later.check_later(bucket, folder, load(InboxSettings).wait_seconds)
    return tasks


def begin_folder(
    reader: InboxReader, bucket: str, folder: str, *, first: int = 1, is_last_check: bool = False
) -> tuple[list[Task], bool]:
    """Makes tasks of the jobs of a folder that are complete.

    Args:
        reader: Of this batch of messages.
        bucket: The inbox.
        folder: Without a trailing slash.
        first: The first job of a list, from 1; those before it have had their message.
        is_last_check: The files had their time: ``result.json`` names what is still missing.

    Returns:
        The tasks, including those that existed before, and whether a job waits for files, or the folder for a job.
    """
    try:
        jobs = reader.jobs(bucket, folder)
    except KilnError as error:
        result_file.write_refusal(Origin(channel="drop", folder=folder), error, reader.seen_at)
        return [], False
    if jobs is None:
        return [], True
    last = first - 1 + JOBS_PER_MESSAGE
    if last < len(jobs.jobs):
        later.jobs_later(bucket, folder, last + 1, is_last_check=is_last_check)
    return begin_jobs(reader, bucket, folder, jobs, jobs.jobs[first - 1 : last], is_last_check=is_last_check)


def file_arrived(reader: InboxReader, bucket: str, folder: str, name: str) -> list[Task]:
    """Makes tasks of the jobs that a file completes: those of its own folder or of one above that name it."""
    settings = load(InboxSettings)
    is_described = False
    for above in upwards(folder):
        notes = reader.notes(above)
        if notes.job:
            path = f"{folder}/{name}".removeprefix(f"{above}/")
            tasks, is_named, is_here = begin_named(reader, bucket, above, [path])
            if is_named:
                return tasks
            is_described = is_described or is_here
        if notes.prompt and above == folder and not is_described:
            later.check_later(bucket, folder, settings.quiet_seconds)
            return []
    if not is_described:
        later.check_later(bucket, folder, settings.wait_seconds)
    return []


def begin_named(reader: InboxReader, bucket: str, folder: str, paths: list[str]) -> tuple[list[Task], bool, bool]:
    """Makes tasks of those jobs of a folder that name one of these files.

    Returns:
        The tasks, whether a job names one of the files, and whether the folder has jobs.
    """
    try:
        jobs = reader.jobs(bucket, folder)
    except KilnError:
        return [], False, True  # It was refused when it arrived.
    if jobs is None:
        return [], False, False
    naming = [job for job in jobs.jobs if job.names_any(paths)]
    if not naming:
        return [], False, True
    tasks, is_waiting = begin_jobs(reader, bucket, folder, jobs, naming[:JOBS_PER_MESSAGE])
    if len(naming) > JOBS_PER_MESSAGE:
        later.jobs_later(bucket, folder, naming[JOBS_PER_MESSAGE].part)
    if is_waiting:
        later.check_later(bucket, folder, load(InboxSettings).wait_seconds)
    return tasks, True, True


def begin_jobs(
    reader: InboxReader, bucket: str, folder: str, jobs: JobList, some: Iterable[Job], *, is_last_check: bool = False
) -> tuple[list[Task], bool]:
    """Makes tasks of some jobs of a folder."""
    batch = content_task_id("batch", folder, jobs.batch)
    if jobs.is_several:
        made = Made(batch, jobs.file.version_id or "", jobs.file.expires_at)
        result_file.expect_list(folder, made, len(jobs.jobs), reader.seen_at)
        now = clock.milliseconds()
        caller = load(InboxSettings).caller
        listed = Batch(batch_id=batch, caller=caller, channel="drop", created_at=now, jobs=len(jobs.jobs))
        Batches().add(listed, retention_days=load(TableSettings).task_retention_days)
    tasks: list[Task] = []
    begun: dict[int, str] = {}
    is_waiting = False
    for job in some:
        origin = _origin(folder, job, batch)
        try:
            files = _files(reader, bucket, folder, job, is_last_check=is_last_check)
            task = begin_job(reader, job, files, origin) if files is not None else None
        except KilnError as error:
            result_file.write_refusal(origin, error, reader.seen_at)
            continue
        is_waiting = is_waiting or files is None
        if task is not None:
            tasks.append(task)
            begun[job.part] = task.task_id
    if jobs.is_several and begun:
        Batches().add_dropped(batch, begun)
    return tasks, is_waiting


def begin_job(reader: InboxReader, job: Job, files: Mapping[str, S3Object], origin: Origin) -> Task | None:
    """The task of a job whose files are all there.

    Args:
        reader: Of this batch of messages.
        job: The job.
        files: Its files, by the names that it has for them.
        origin: Where the job is.

    Raises:
        KilnError: The job or an image breaks a limit.
    """
    content = [job.canonical, *(f"{name}\t{file.etag}" for name, file in files.items())]

    def request() -> CreateRequest:
        return parse_create_request(job.body, _Files({name: checked_image(file, name) for name, file in files.items()}))

    return begin_attempt(request, content, origin, job.file, reader.seen_at, job.ignored)


def upwards(folder: str) -> list[str]:
    """A folder and those above it whose jobs may name a file in it."""
    parts = folder.split("/")
    folders = ["/".join(parts[:depth]) for depth in range(len(parts), 0, -1)]
    return [each for each in folders[: FOLDERS_BELOW + 1] if each]


@dataclass(frozen=True)
class _Files:
    """The checked images of a folder; the outer spaces of a name do not matter."""

    images: Mapping[str, S3Image]

    def get(self, name: str, /) -> S3Image | None:
        return self.images.get(name) or self.images.get(name.strip())


def _origin(folder: str, job: Job, batch: str) -> Origin:
    version = job.file.version_id or ""
    if not job.parts:
        return Origin(channel="drop", folder=folder, version=version)
    return Origin(
        channel="drop", folder=f"{folder}/{job.part}", part=job.part, parts=job.parts, batch=batch, version=version
    )


def _files(
    reader: InboxReader, bucket: str, folder: str, job: Job, *, is_last_check: bool
) -> dict[str, S3Object] | None:
    """The files that a job names, by the names that it has for them, or ``None`` while some are missing."""
    files = {written: reader.find(bucket, folder, path) for written, path in job.file_names()}
    missing = [written for written, file in files.items() if file is None]
    if missing and is_last_check:
        raise InvalidRequest(f"{JOB_FILE}: names files that are not in the folder, got {', '.join(missing)[:500]}")
    return None if missing else {written: file for written, file in files.items() if file is not None}
