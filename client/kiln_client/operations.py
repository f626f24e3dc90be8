"""The API's operations, each as a generator that both clients drive."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Literal, TypedDict
from urllib.parse import quote

from kiln_client.answers import Delivery, Progress, StoredRequest, Task, TaskStatus, Usage, WebhookTest
from kiln_client.batches import Batch
from kiln_client.bodies import BatchOptions, Contents, Job, TaskOptions
from kiln_client.errors import InvalidImage, NotFinished, TaskFailed, WaitTimedOut
from kiln_client.images import Content, ImageSource, read_image, suffix, to_upload, write_whole
from kiln_client.request import Finding, Found, Operation, Pause, Request, Sender

TASKS = "/v1/images/multi-image2image"
UPLOADS = "/v1/uploads"
BATCHES = "/v1/batches"
USAGE = "/v1/usage"

_IN_PATH = re.compile(r"[\w.~ +@:,=-]+")
_NOT_IN_PATH = frozenset({".", "..", "-"})

_PAGE_SIZE = 100
_LAST_PAGE = 1_000

_FIRST_PAUSE_SECONDS = 0.5
_PAUSE_GROWTH = 1.2
_LONGEST_PAUSE_SECONDS = 4.0


class Filters(TypedDict, total=False):
    """The filters of a list.

    Attributes:
        status: Only tasks of this status.
        created_after: Only tasks created after this.
        created_before: Only tasks created before this.
        page_size: Tasks per request, up to 500.
    """

    status: TaskStatus | None
    created_after: datetime | None
    created_before: datetime | None
    page_size: int


class Pace:
    """The pauses between two looks at a task: longer and longer, until the task changes."""

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self._ends_at = float("inf") if timeout is None else time.monotonic() + timeout
        self._seconds = _FIRST_PAUSE_SECONDS

    def reset(self) -> None:
        """Starts with a short pause again: after a change, another one may follow soon."""
        self._seconds = _FIRST_PAUSE_SECONDS

    def pause(self, task_ids: Sequence[str]) -> Pause:
        """Returns the pause before the next look.

        Raises:
            WaitTimedOut: The pause would end after the timeout.
        """
        if self._timeout is not None and time.monotonic() + self._seconds > self._ends_at:
            raise WaitTimedOut(task_ids, self._timeout)
        pause = Pause(self._seconds)
        self._seconds = min(_LONGEST_PAUSE_SECONDS, self._seconds * _PAUSE_GROWTH)
        return pause


class Operations:
    """The API's operations, without input and output."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def create(self, subject_images: Sequence[ImageSource], options: TaskOptions) -> Operation[Task]:
        """Sends the images and creates a task.

        Raises:
            TypeError: There is no such option: a misspelt one would have no effect.
        """
        content = Contents()
        body = content.body(subject_images, options)
        yield from self._upload_large(content)
        key = options.get("idempotency_key") or uuid.uuid4().hex
        return Task.read((yield from self._sender.api("POST", TASKS, body=content.sent(body), idempotency_key=key)))

    def create_batch(self, jobs: Sequence[Job], options: BatchOptions) -> Operation[Batch]:
        """Sends the images of all jobs and creates their tasks; an image of several jobs is sent once."""
        content = Contents()
        bodies = [content.body(job.subject_images, job.options) for job in jobs]
        yield from self._upload_large(content)
        given = {name: value for name, value in options.items() if name != "idempotency_key" and value is not None}
        body = {"jobs": [content.sent(each) for each in bodies], **given}
        key = options.get("idempotency_key") or uuid.uuid4().hex
        return Batch.read((yield from self._sender.api("POST", BATCHES, body=body, idempotency_key=key)))

    def batch(self, batch_id: str) -> Operation[Batch]:
        """Returns a batch with its tasks."""
        params = {"pageSize": _PAGE_SIZE}
        return Batch.read((yield from self._sender.api("GET", _batch_path(batch_id), params=params)))

    def cancel_batch(self, batch_id: str) -> Operation[Batch]:
        """Cancels the tasks of a batch that wait in the queue."""
        return Batch.read((yield from self._sender.api("POST", f"{_batch_path(batch_id)}/cancel")))

    def follow_batch(self, batch_id: str, *, timeout: float | None) -> Finding[Batch]:
        """Finds a batch whenever a status of its tasks has changed, until all have ended."""
        counts: Mapping[str, int] | None = None
        pace = Pace(timeout)
        while True:
            batch = yield from self.batch(batch_id)
            if batch.counts != counts or batch.is_finished:
                counts = batch.counts
                pace.reset()
                yield Found(batch)
            if batch.is_finished:
                return
            yield pace.pause(batch.task_ids)

    def get(self, task_id: str, *, wait: int = 0) -> Operation[Task]:
        """Returns a task, after a wait for the next change of its status."""
        return Task.read((yield from self._sender.api("GET", _path(task_id), wait=wait)))

    def progress(self, task_id: str) -> Operation[Progress]:
        """Returns a task's progress."""
        return Progress.read((yield from self._sender.api("GET", _path(task_id, "progress"))))

    def request(self, task_id: str) -> Operation[StoredRequest]:
        """Returns the request that created a task."""
        return StoredRequest.read((yield from self._sender.api("GET", _path(task_id, "request"))))

    def deliveries(self, task_id: str) -> Operation[list[Delivery]]:
        """Returns the attempts to notify a task's ``callback_url``."""
        return [Delivery.read(each) for each in (yield from self._sender.api("GET", _path(task_id, "deliveries")))]

    def cancel(self, task_id: str) -> Operation[Task]:
        """Cancels a task that waits in the queue."""
        return Task.read((yield from self._sender.api("POST", _path(task_id, "cancel"))))

    def delete(self, task_id: str) -> Operation[None]:
        """Deletes a task that has ended."""
        yield from self._sender.api("DELETE", _path(task_id))

    def retry(self, task_id: str, *, idempotency_key: str | None = None) -> Operation[Task]:
        """Creates a task with the request of an ended one."""
        key = idempotency_key or uuid.uuid4().hex
        return Task.read((yield from self._sender.api("POST", _path(task_id, "retry"), idempotency_key=key)))

    def usage(self, first: date | None, last: date | None, by: Literal["day", "caller"]) -> Operation[list[Usage]]:
        """Returns what the caller's ended tasks cost."""
        days = {"from": first, "to": last}
        params = {"by": by, **{name: day.isoformat() for name, day in days.items() if day is not None}}
        return [Usage.read(each) for each in (yield from self._sender.api("GET", USAGE, params=params))]

    def test_webhook(self, url: str) -> Operation[WebhookTest]:
        """Has Kiln send one sample webhook."""
        return WebhookTest.read((yield from self._sender.api("POST", "/v1/webhooks/test", body={"url": url})))

    def upload(self, image: ImageSource) -> Operation[str]:
        """Uploads one image and returns its reference."""
        content = read_image(image)
        if isinstance(content, str):
            raise InvalidImage(f"{content}: must be a file or bytes, got an address")
        return (yield from self._upload(content))

    def listing(self, filters: Filters) -> Finding[Task]:
        """Finds the caller's tasks, newest first, page by page.

        A task that is created meanwhile moves the others to later pages; each task is still found once. A page may be
        shorter than its size, so only an empty page is the end.
        """
        query: dict[str, str | int] = {"pageSize": filters.get("page_size", _PAGE_SIZE)}
        if status := filters.get("status"):
            query["task_status"] = status
        if after := filters.get("created_after"):
            query["created_after"] = int(after.timestamp() * 1_000)
        if before := filters.get("created_before"):
            query["created_before"] = int(before.timestamp() * 1_000)
        seen: set[str] = set()
        for page in range(1, _LAST_PAGE + 1):
            answer = yield from self._sender.api("GET", TASKS, params={**query, "pageNum": page})
            for task in map(Task.read, answer):
                if task.task_id not in seen:
                    seen.add(task.task_id)
                    yield Found(task)
            if not answer:
                return

    def follow(self, task_ids: Iterable[str], *, timeout: float | None) -> Finding[Progress]:
        """Finds every change of some tasks until all have ended."""
        left = list(dict.fromkeys(task_ids))
        known: dict[str, Progress] = {}
        pace = Pace(timeout)
        while True:
            for task_id in list(left):
                now = yield from self.progress(task_id)
                if _differs(known.get(task_id), now):
                    known[task_id] = now
                    pace.reset()
                    yield Found(now)
                if now.is_finished:
                    left.remove(task_id)
            if not left:
                return
            yield pace.pause(left)

    def wait(self, task_id: str, *, timeout: float | None) -> Operation[Task]:
        """Waits for a task's end and returns the task with its images."""
        pace = Pace(timeout)
        while True:
            task = yield from self.get(task_id)
            if task.is_finished:
                return _succeeded(task)
            yield pace.pause([task_id])

    def save(self, task: Task | str, directory: Path) -> Operation[list[Path]]:
        """Saves a task's images as ``<task id>-<index>.png`` or ``.jpg``."""
        if isinstance(task, str):
            task = yield from self.get(task)
        paths = []
        for image in _succeeded(task).images:
            content = yield from self.download(image.url)
            paths.append(write_whole(directory / f"{task.task_id}-{image.index}{suffix(content)}", content))
        return paths

    def download(self, url: str) -> Operation[bytes]:
        """Returns the bytes behind a link. The key is not sent."""
        return (yield from self._sender.send(Request("GET", url, follow_redirects=True))).content

    def _upload_large(self, content: Contents) -> Operation[None]:
        for image in to_upload(content.images):
            content.uploaded[image] = yield from self._upload(image)

    def _upload(self, image: Content) -> Operation[str]:
        form = yield from self._sender.api("POST", UPLOADS)
        yield from self._sender.send(Request("POST", form["url"], form=form["fields"], file=image.content))
        return str(form["reference"])


def _batch_path(batch_id: str) -> str:
    return f"{BATCHES}/{quote(batch_id, safe='')}"


def _path(task_id: str, part: str = "") -> str:
    """The path of a task, or of a part of it; an external id that does not fit into a path is a parameter."""
    part = f"/{part}" if part else ""
    if _IN_PATH.fullmatch(task_id) and task_id not in _NOT_IN_PATH:
        return f"{TASKS}/{quote(task_id, safe='')}{part}"
    return f"{TASKS}/-{part}?external_task_id={quote(task_id, safe='')}"


def _differs(before: Progress | None, now: Progress) -> bool:
    return before is None or (
        (before.stage, before.queue_position, before.refusal, before.steps)
        != (now.stage, now.queue_position, now.refusal, now.steps)
    )


def _succeeded(task: Task) -> Task:
    """Returns a task that has images.

    Raises:
        TaskFailed: The task has ended without images.
        NotFinished: The task has not ended.
    """
    if task.task_status == "failed":
        raise TaskFailed(task)
    if not task.has_succeeded:
        raise NotFinished(f"task {task.task_id} has no images yet: its status is {task.task_status}")
    return task
