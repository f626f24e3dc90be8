"""What can be done with Kiln, each as a generator that both clients drive."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypedDict
from urllib.parse import quote

from kiln_client.answers import Delivery, KeptRequest, Progress, Task, TaskStatus
from kiln_client.errors import InvalidImage, NotFinished, TaskFailed, WaitTimedOut
from kiln_client.exchange import Call, Exchange, Finding, Found, Operation, Pause
from kiln_client.images import Content, ImageSource, look_at, suffix, to_upload, write_whole

TASKS = "/v1/images/multi-image2image"
UPLOADS = "/v1/uploads"

_PAGE_SIZE = 100
_LAST_PAGE = 1_000

_REFERENCES: tuple[Literal["scene_image", "style_image"], ...] = ("scene_image", "style_image")
_FIELDS: tuple[Literal["prompt", "n", "aspect_ratio", "model_name", "callback_url", "external_task_id"], ...] = (
    "prompt",
    "n",
    "aspect_ratio",
    "model_name",
    "callback_url",
    "external_task_id",
)

_FIRST_LOOK_SECONDS = 0.5
_LOOK_LESS_OFTEN = 1.2
_LEAST_OFTEN_SECONDS = 4.0


class Wanted(TypedDict, total=False):
    """What can be said of a task besides its subjects; what is left out, or ``None``, is the contract's default.

    Attributes:
        prompt: What to make of the images.
        scene_image: Reference for the scene.
        style_image: Reference for the style.
        n: How many images to generate.
        aspect_ratio: Width to height of the results.
        model_name: Which model generates.
        watermark: Whether to watermark.
        callback_url: Told of status changes.
        external_task_id: Your own id, unique among your tasks.
        idempotency_key: The same key and request is the same task; one is made if there is none.
    """

    prompt: str | None
    scene_image: ImageSource | None
    style_image: ImageSource | None
    n: int | None
    aspect_ratio: str | None
    model_name: str | None
    watermark: bool | None
    callback_url: str | None
    external_task_id: str | None
    idempotency_key: str | None


class Filters(TypedDict, total=False):
    """Which tasks to list.

    Attributes:
        status: Only tasks of this status.
        created_after: Only tasks created after this.
        created_before: Only tasks created before this.
        page_size: How many to ask for at once, up to 500.
    """

    status: TaskStatus | None
    created_after: datetime | None
    created_before: datetime | None
    page_size: int


class Pace:
    """How often a task is looked at: less and less, until something happens."""

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self._ends_at = float("inf") if timeout is None else time.monotonic() + timeout
        self._seconds = _FIRST_LOOK_SECONDS

    def begin_anew(self) -> None:
        """Something has happened, more may follow soon."""
        self._seconds = _FIRST_LOOK_SECONDS

    def pause(self, task_ids: Sequence[str]) -> Pause:
        """The pause before the next look.

        Raises:
            WaitTimedOut: It would last beyond the time that was given.
        """
        if self._timeout is not None and time.monotonic() + self._seconds > self._ends_at:
            raise WaitTimedOut(task_ids, self._timeout)
        pause = Pause(self._seconds)
        self._seconds = min(_LEAST_OFTEN_SECONDS, self._seconds * _LOOK_LESS_OFTEN)
        return pause


class Operations:
    """The API's operations, without the input and output."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def create(self, subject_images: Sequence[ImageSource], wanted: Wanted) -> Operation[Task]:
        """Sends the images and creates a task."""
        given = [look_at(each) for each in subject_images]
        references = {name: look_at(source) for name in _REFERENCES if (source := wanted.get(name)) is not None}
        large = to_upload(each for each in (*given, *references.values()) if isinstance(each, Content))
        uploaded: dict[Content, str] = {}
        for image in large:
            uploaded[image] = yield from self._upload(image)

        def sent(image: Content | str) -> str:
            return image if isinstance(image, str) else uploaded.get(image) or image.inline()

        body: dict[str, Any] = {
            "subject_image_list": [{"subject_image": sent(image)} for image in given],
            **{name: sent(image) for name, image in references.items()},
            **{name: wanted[name] for name in _FIELDS if wanted.get(name) is not None},
        }
        if wanted.get("watermark") is not None:
            body["watermark_info"] = {"enabled": wanted["watermark"]}
        key = wanted.get("idempotency_key") or uuid.uuid4().hex
        return Task.read((yield from self._exchange.api("POST", TASKS, body=body, idempotency_key=key)))

    def get(self, task_id: str) -> Operation[Task]:
        """Reads a task."""
        return Task.read((yield from self._exchange.api("GET", _path(task_id))))

    def progress(self, task_id: str) -> Operation[Progress]:
        """Reads how far a task has come."""
        return Progress.read((yield from self._exchange.api("GET", _path(task_id, "progress"))))

    def request(self, task_id: str) -> Operation[KeptRequest]:
        """Reads what a task was created with."""
        return KeptRequest.read((yield from self._exchange.api("GET", _path(task_id, "request"))))

    def deliveries(self, task_id: str) -> Operation[list[Delivery]]:
        """Reads the attempts to tell a task's ``callback_url``."""
        return [Delivery.read(each) for each in (yield from self._exchange.api("GET", _path(task_id, "deliveries")))]

    def cancel(self, task_id: str) -> Operation[Task]:
        """Cancels a task that waits for its turn."""
        return Task.read((yield from self._exchange.api("POST", _path(task_id, "cancel"))))

    def retry(self, task_id: str, *, idempotency_key: str | None = None) -> Operation[Task]:
        """Creates a task with the same request as one that has ended."""
        key = idempotency_key or uuid.uuid4().hex
        return Task.read((yield from self._exchange.api("POST", _path(task_id, "retry"), idempotency_key=key)))

    def upload(self, image: ImageSource) -> Operation[str]:
        """Uploads one image and comes to its reference."""
        looked_at = look_at(image)
        if isinstance(looked_at, str):
            raise InvalidImage(f"{looked_at}: is an address already")
        return (yield from self._upload(looked_at))

    def listing(self, filters: Filters) -> Finding[Task]:
        """Finds the caller's tasks, newest first, page by page.

        A task that is created meanwhile moves the others on, so that the next page repeats some: each is found once. A
        page is a range of numbers, of which some may be nobody's: only one with no task at all is beyond the last.
        """
        asked: dict[str, str | int] = {"pageSize": filters.get("page_size", _PAGE_SIZE)}
        if status := filters.get("status"):
            asked["task_status"] = status
        if after := filters.get("created_after"):
            asked["created_after"] = int(after.timestamp() * 1_000)
        if before := filters.get("created_before"):
            asked["created_before"] = int(before.timestamp() * 1_000)
        seen: set[str] = set()
        for page in range(1, _LAST_PAGE + 1):
            answer = yield from self._exchange.api("GET", TASKS, params={**asked, "pageNum": page})
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
                    pace.begin_anew()
                    yield Found(now)
                if now.is_finished:
                    left.remove(task_id)
            if not left:
                return
            yield pace.pause(left)

    def wait(self, task_id: str, *, timeout: float | None) -> Operation[Task]:
        """Waits for a task's end and comes to it with its images."""
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
        """Reads what is behind a link; no key is sent along."""
        return (yield from self._exchange.send(Call("GET", url, follow_redirects=True))).content

    def _upload(self, image: Content) -> Operation[str]:
        place = yield from self._exchange.api("POST", UPLOADS)
        yield from self._exchange.send(Call("POST", place["url"], form=place["fields"], file=image.content))
        return str(place["reference"])


def _path(task_id: str, what: str = "") -> str:
    # An external id may have any character.
    return f"{TASKS}/{quote(task_id, safe='')}" + (f"/{what}" if what else "")


def _differs(before: Progress | None, now: Progress) -> bool:
    return before is None or (
        (before.stage, before.queue_position, before.refusal, before.steps)
        != (now.stage, now.queue_position, now.refusal, now.steps)
    )


def _succeeded(task: Task) -> Task:
    """The task, which has images.

    Raises:
        TaskFailed: It has ended without.
        NotFinished: It has not ended.
    """
    if task.task_status == "failed":
        raise TaskFailed(task)
    if not task.has_succeeded:
        raise NotFinished(f"task {task.task_id} has no images yet: it is {task.task_status}")
    return task
