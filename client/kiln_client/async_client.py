"""The client for asyncio: the same operations, awaited."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
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


class AsyncKiln:
    """``Kiln`` for asyncio. Close it, or use it in an ``async with`` block.

    It takes the arguments of ``Kiln``, and its methods raise the errors of ``Kiln``'s.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        timeout: float = TIMEOUT_SECONDS,
        retries: int = RETRIES,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._operations = Operations(sender(url, key, retries))
        self._sleep = sleep
        self._http = httpx.AsyncClient(transport=transport, **http_options(timeout))

    async def create(self, *subject_images: ImageSource, **options: Unpack[TaskOptions]) -> Task:
        """Creates a task from one to four images."""
        return await self._run(self._operations.create(subject_images, options))

    async def generate(
        self,
        *subject_images: ImageSource,
        timeout: float | None = None,  # noqa: ASYNC109 - asyncio.timeout would not name the task that keeps running
        **options: Unpack[TaskOptions],
    ) -> Task:
        """Creates a task and waits for its images: ``create`` and ``wait`` in one."""
        return await self.wait((await self.create(*subject_images, **options)).task_id, timeout=timeout)

    async def get(self, task_id: str, *, wait: int = 0) -> Task:
        """Returns a task."""
        return await self._run(self._operations.get(task_id, wait=wait))

    def list(self, **filters: Unpack[Filters]) -> AsyncIterator[Task]:
        """Iterates over your tasks, newest first."""
        return self._iterate(self._operations.listing(filters))

    async def progress(self, task_id: str) -> Progress:
        """Returns a task's progress."""
        return await self._run(self._operations.progress(task_id))

    def follow(self, *task_ids: str, timeout: float | None = None) -> AsyncIterator[Progress]:
        """Iterates over every change of some tasks, until all have ended."""
        return self._iterate(self._operations.follow(task_ids, timeout=timeout))

    async def wait(
        self,
        task_id: str,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
    ) -> Task:
        """Waits for a task's end."""
        return await self._run(self._operations.wait(task_id, timeout=timeout))

    async def request(self, task_id: str) -> StoredRequest:
        """Returns the request that created a task."""
        return await self._run(self._operations.request(task_id))

    async def save(self, task: Task | str, directory: str | os.PathLike[str] = ".") -> Sequence[Path]:
        """Saves a task's images as ``<task id>-<index>.png`` or ``.jpg``."""
        return await self._run(self._operations.save(task, Path(directory)))

    async def download(self, url: str) -> bytes:
        """Returns the bytes of the image behind a link."""
        return await self._run(self._operations.download(url))

    async def cancel(self, task_id: str) -> Task:
        """Cancels a task that waits in the queue."""
        return await self._run(self._operations.cancel(task_id))

    async def delete(self, task_id: str) -> None:
        """Deletes a task that has ended, for good."""
        await self._run(self._operations.delete(task_id))

    async def retry(self, task_id: str, *, idempotency_key: str | None = None) -> Task:
        """Creates a new task with the request of an ended one."""
        return await self._run(self._operations.retry(task_id, idempotency_key=idempotency_key))

    async def deliveries(self, task_id: str) -> Sequence[Delivery]:
        """Returns every attempt to notify a task's ``callback_url``."""
        return await self._run(self._operations.deliveries(task_id))

    async def create_batch(self, jobs: Sequence[Job], **options: Unpack[BatchOptions]) -> Batch:
        """Creates a task for each of up to 100 jobs, with one request."""
        return await self._run(self._operations.create_batch(jobs, options))

    async def batch(self, batch_id: str) -> Batch:
        """Returns a batch with its tasks. Its id or its external id works here and below."""
        return await self._run(self._operations.batch(batch_id))

    def follow_batch(self, batch_id: str, *, timeout: float | None = None) -> AsyncIterator[Batch]:
        """Iterates over a batch, whenever a status of its tasks has changed, until all have ended."""
        return self._iterate(self._operations.follow_batch(batch_id, timeout=timeout))

    async def cancel_batch(self, batch_id: str) -> Batch:
        """Cancels the tasks of a batch that wait in the queue; the others run on."""
        return await self._run(self._operations.cancel_batch(batch_id))

    async def test_webhook(self, url: str) -> WebhookTest:
        """Has Kiln send one signed sample webhook to an address, and returns what the receiver answered."""
        return await self._run(self._operations.test_webhook(url))

    async def usage(
        self, first: date | None = None, last: date | None = None, *, by: Literal["day", "caller"] = "day"
    ) -> Sequence[Usage]:
        """Returns the units, images, tasks and failures of each day (UTC), or of the whole time.

        Args:
            first: The first day; default is the first of this month.
            last: The last day; default is today.
            by: ``caller`` for one row.
        """
        return await self._run(self._operations.usage(first, last, by))

    async def upload(self, image: str | os.PathLike[str] | bytes) -> str:
        """Uploads an image and returns a reference to use as an image."""
        return await self._run(self._operations.upload(image))

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _run(self, operation: Operation[Value]) -> Value:
        outcome: Outcome = None
        try:
            while True:
                outcome = await self._outcome(proceed(operation, outcome))
        except StopIteration as end:
            value: Value = end.value
            return value

    async def _iterate(self, finding: Finding[Value]) -> AsyncIterator[Value]:
        outcome: Outcome = None
        try:
            while True:
                step = proceed(finding, outcome)
                if isinstance(step, Found):
                    yield step.value
                    outcome = None
                else:
                    outcome = await self._outcome(step)
        except StopIteration:
            return
        finally:
            finding.close()

    async def _outcome(self, step: Request | Pause) -> Outcome:
        if isinstance(step, Pause):
            await self._sleep(step.seconds)
            return None
        try:
            return await self._http.request(**step.arguments())
        except httpx.RequestError as error:
            return error
