"""The API's operations, each as a generator that both clients drive."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypedDict
from urllib.parse import quote

from kiln_client.answers import Delivery, Progress, StoredRequest, Task, TaskStatus, WebhookTest
from kiln_client.errors import InvalidImage, NotFinished, TaskFailed, WaitTimedOut
from kiln_client.images import Content, ImageSource, read_image, suffix, to_upload, write_whole
from kiln_client.request import Finding, Found, Operation, Pause, Request, Sender

TASKS = "/v1/images/multi-image2image"
UPLOADS = "/v1/uploads"

_IN_PATH = re.compile(r"[\w.~ +@:,=-]+")
_NOT_IN_PATH = frozenset({".", "..", "-"})

_PAGE_SIZE = 100
_LAST_PAGE = 1_000

_REFERENCES: tuple[Literal["scene_image", "style_image"], ...] = ("scene_image", "style_image")
_FIELDS: tuple[
    Literal[
        "prompt", "n", "aspect_ratio", "model_name", "callback_url", "callback_statuses", "external_task_id", "priority"
    ],
    ...,
] = (
    "prompt",
    "n",
    "aspect_ratio",
    "model_name",
    "callback_url",
    "callback_statuses",
    "external_task_id",
    "priority",
)

_FIRST_PAUSE_SECONDS = 0.5
_PAUSE_GROWTH = 1.2
_LONGEST_PAUSE_SECONDS = 4.0


class TaskOptions(TypedDict, total=False):
    """The options of a task; a missing one, or ``None``, has the contract's default.

    Attributes:
        prompt: Describes the images to generate.
        scene_image: Reference for the scene.
        style_image: Reference for the style.
        n: How many images to generate.
        aspect_ratio: Width to height of the results.
        model_name: The model that generates.
        watermark: Whether to watermark.
        callback_url: Receives a webhook at each change of status.
        callback_statuses: The statuses that it is notified of; default is all.
        external_task_id: Your own id, unique among your tasks.
        priority: ``low`` waits behind every task of normal priority; default is ``normal``.
        idempotency_key: The same key and request is the same task; default is a new key.
    """

    prompt: str | None
    scene_image: ImageSource | None
    style_image: ImageSource | None
    n: int | None
    aspect_ratio: str | None
    model_name: str | None
    watermark: bool | None
    callback_url: str | None
    callback_statuses: Sequence[TaskStatus] | None
    external_task_id: str | None
    priority: str | None
    idempotency_key: str | None


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
        if unknown := options.keys() - TaskOptions.__annotations__.keys():
            raise TypeError(f"no such option: {', '.join(sorted(unknown))}")
        subjects = [read_image(each) for each in subject_images]
        references = {name: read_image(source) for name in _REFERENCES if (source := options.get(name)) is not None}
        large = to_upload(each for each in (*subjects, *references.values()) if isinstance(each, Content))
        uploaded: dict[Content, str] = {}
        for image in large:
            uploaded[image] = yield from self._upload(image)

        def sent(image: Content | str) -> str:
            return image if isinstance(image, str) else uploaded.get(image) or image.inline()

        body: dict[str, Any] = {
            "subject_image_list": [{"subject_image": sent(image)} for image in subjects],
            **{name: sent(image) for name, image in references.items()},
            **{name: options[name] for name in _FIELDS if options.get(name) is not None},
        }
        if options.get("watermark") is not None:
            body["watermark_info"] = {"enabled": options["watermark"]}
        key = options.get("idempotency_key") or uuid.uuid4().hex
        return Task.read((yield from self._sender.api("POST", TASKS, body=body, idempotency_key=key)))

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

    def retry(self, task_id: str, *, idempotency_key: str | None = None) -> Operation[Task]:
        """Creates a task with the request of an ended one."""
        key = idempotency_key or uuid.uuid4().hex
        return Task.read((yield from self._sender.api("POST", _path(task_id, "retry"), idempotency_key=key)))

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

    def _upload(self, image: Content) -> Operation[str]:
        form = yield from self._sender.api("POST", UPLOADS)
        yield from self._sender.send(Request("POST", form["url"], form=form["fields"], file=image.content))
        return str(form["reference"])


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
