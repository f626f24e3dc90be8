"""The blocking client: each method drives one operation."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeVar, Unpack

import httpx

from kiln_client.answers import Delivery, Progress, StoredRequest, Task, Usage, WebhookTest
from kiln_client.batches import Batch
from kiln_client.bodies import BatchOptions, Job, TaskOptions
from kiln_client.images import ImageSource
from kiln_client.operations import Filters, Operations
from kiln_client.request import Finding, Found, Operation, Outcome, Pause, Request, proceed
from kiln_client.settings import RETRIES, TIMEOUT_SECONDS, http_options, sender

Value = TypeVar("Value")


class Kiln:
    """A client of one Kiln. Close it, or use it in a ``with`` block.

    Every method raises ``Refused`` (or one of its kinds) if the API refuses, ``NotReachable`` if it does not answer.

    Args:
        url: The API's address; default is ``KILN_URL``.
        key: The caller's key; default is ``KILN_KEY``.
        timeout: Seconds for one request.
        retries: How often a request is repeated after no answer, HTTP 429 or 5xx.
        transport: Replaces httpx's own transport.
        sleep: Replaces the waiting between attempts.

    Raises:
        NotConfigured: The address or the key is missing.
        InvalidSetting: The address or the key is malformed.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        timeout: float = TIMEOUT_SECONDS,
        retries: int = RETRIES,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._operations = Operations(sender(url, key, retries))
        self._sleep = sleep
        self._http = httpx.Client(transport=transport, **http_options(timeout))

    def create(self, *subject_images: ImageSource, **options: Unpack[TaskOptions]) -> Task:
        """Creates a task from one to four images.

        Raises:
            InvalidImage: An image does not exist, or the API does not accept it.
        """
        return self._run(self._operations.create(subject_images, options))

    def generate(
        self, *subject_images: ImageSource, timeout: float | None = None, **options: Unpack[TaskOptions]
    ) -> Task:
        """Creates a task and waits for its images: ``create`` and ``wait`` in one."""
        return self.wait(self.create(*subject_images, **options).task_id, timeout=timeout)

    def get(self, task_id: str, *, wait: int = 0) -> Task:
        """Returns a task. Its id or its external id works here and in every other method.

        Args:
            task_id: The task.
            wait: Answer when its status changes, or after so many seconds; 25 at most.
        """
        return self._run(self._operations.get(task_id, wait=wait))

    def list(self, **filters: Unpack[Filters]) -> Iterator[Task]:
        """Iterates over your tasks, newest first; each page is requested when it is needed."""
        return self._iterate(self._operations.listing(filters))

    def progress(self, task_id: str) -> Progress:
        """Returns a task's progress."""
        return self._run(self._operations.progress(task_id))

    def follow(self, *task_ids: str, timeout: float | None = None) -> Iterator[Progress]:
        """Iterates over every change of some tasks, until all have ended.

        Raises:
            WaitTimedOut: A task has not ended within ``timeout`` seconds.
        """
        return self._iterate(self._operations.follow(task_ids, timeout=timeout))

    def wait(self, task_id: str, *, timeout: float | None = None) -> Task:
        """Waits for a task's end.

        Raises:
            TaskFailed: The task has ended without images.
            WaitTimedOut: The task has not ended within ``timeout`` seconds.
        """
        return self._run(self._operations.wait(task_id, timeout=timeout))

    def request(self, task_id: str) -> StoredRequest:
        """Returns the request that created a task, with links to its images."""
        return self._run(self._operations.request(task_id))

    def save(self, task: Task | str, directory: str | os.PathLike[str] = ".") -> Sequence[Path]:
        """Saves a task's images as ``<task id>-<index>.png`` or ``.jpg``.

        Raises:
            TaskFailed: The task has ended without images.
            NotFinished: The task has no images yet.
        """
        return self._run(self._operations.save(task, Path(directory)))

    def download(self, url: str) -> bytes:
        """Returns the bytes of the image behind a link. The key is not sent."""
        return self._run(self._operations.download(url))

    def cancel(self, task_id: str) -> Task:
        """Cancels a task that waits in the queue.

        Raises:
            Conflict: The task no longer waits.
        """
        return self._run(self._operations.cancel(task_id))

    def delete(self, task_id: str) -> None:
        """Deletes a task that has ended: its images, inputs, prompt and links, for good.

        Raises:
            Conflict: The task has not ended.
        """
        self._run(self._operations.delete(task_id))

    def retry(self, task_id: str, *, idempotency_key: str | None = None) -> Task:
        """Creates a new task with the request of an ended one.

        Raises:
            Conflict: The task has not ended, or its images are deleted.
        """
        return self._run(self._operations.retry(task_id, idempotency_key=idempotency_key))

    def deliveries(self, task_id: str) -> Sequence[Delivery]:
        """Returns every attempt to notify a task's ``callback_url``."""
        return self._run(self._operations.deliveries(task_id))

    def create_batch(self, jobs: Sequence[Job], **options: Unpack[BatchOptions]) -> Batch:
        """Creates a task for each of up to 100 jobs, with one request."""
        return self._run(self._operations.create_batch(jobs, options))

    def batch(self, batch_id: str) -> Batch:
        """Returns a batch with its tasks. Its id or its external id works here and below."""
        return self._run(self._operations.batch(batch_id))

    def follow_batch(self, batch_id: str, *, timeout: float | None = None) -> Iterator[Batch]:
        """Iterates over a batch, whenever a status of its tasks has changed, until all have ended."""
        return self._iterate(self._operations.follow_batch(batch_id, timeout=timeout))

    def cancel_batch(self, batch_id: str) -> Batch:
        """Cancels the tasks of a batch that wait in the queue; the others run on."""
        return self._run(self._operations.cancel_batch(batch_id))

    def test_webhook(self, url: str) -> WebhookTest:
        """Has Kiln send one signed sample webhook to an address, and returns what the receiver answered."""
        return self._run(self._operations.test_webhook(url))

    def usage(
        self, first: date | None = None, last: date | None = None, *, by: Literal["day", "caller"] = "day"
    ) -> Sequence[Usage]:
        """Returns the units, images, tasks and failures of each day (UTC), or of the whole time.

        Args:
            first: The first day; default is the first of this month.
            last: The last day; default is today.
            by: ``caller`` for one row.
        """
        return self._run(self._operations.usage(first, last, by))

    def upload(self, image: str | os.PathLike[str] | bytes) -> str:
        """Uploads an image and returns a reference to use as an image. ``create`` uploads large images by itself."""
        return self._run(self._operations.upload(image))

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, operation: Operation[Value]) -> Value:
        outcome: Outcome = None
        try:
            while True:
                outcome = self._outcome(proceed(operation, outcome))
        except StopIteration as end:
            value: Value = end.value
            return value

    def _iterate(self, finding: Finding[Value]) -> Iterator[Value]:
        outcome: Outcome = None
        try:
            while True:
                step = proceed(finding, outcome)
                if isinstance(step, Found):
                    yield step.value
                    outcome = None
                else:
                    outcome = self._outcome(step)
        except StopIteration:
            return
        finally:
            finding.close()

    def _outcome(self, step: Request | Pause) -> Outcome:
        if isinstance(step, Pause):
            self._sleep(step.seconds)
            return None
        try:
            return self._http.request(**step.arguments())
        except httpx.RequestError as error:
            return error
