"""The client for asyncio: the same operations, awaited."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, Unpack

import httpx

from kiln_client.answers import Delivery, KeptRequest, Progress, Task
from kiln_client.exchange import Call, Finding, Found, Operation, Pause
from kiln_client.images import ImageSource
from kiln_client.operations import Filters, Operations, Wanted
from kiln_client.settings import RETRIES, TIMEOUT_SECONDS, exchange, http_options

Value = TypeVar("Value")


class AsyncKiln:
    """``Kiln`` for asyncio, to be closed, or used in an ``async with`` block; its methods raise the same."""

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
        """Opens no connection yet.

        Args:
            url: The API's address; ``KILN_URL`` if there is none.
            key: Of the caller; ``KILN_KEY`` if there is none.
            timeout: Seconds that a call may take.
            retries: How often a call is repeated that was not answered, or with HTTP 429 or 5xx.
            transport: What to send with, if not httpx's own.
            sleep: How to let time pass.

        Raises:
            NotConfigured: Neither says which Kiln to talk to.
        """
        self._operations = Operations(exchange(url, key, retries))
        self._sleep = sleep
        self._http = httpx.AsyncClient(transport=transport, **http_options(timeout))

    async def create(self, *subject_images: ImageSource, **wanted: Unpack[Wanted]) -> Task:
        """Creates a task of one to four images and of what else is ``Wanted``.

        Raises:
            InvalidImage: An image is not there, or is none that the API takes.
        """
        return await self._run(self._operations.create(subject_images, wanted))

    async def generate(
        self,
        *subject_images: ImageSource,
        timeout: float | None = None,  # noqa: ASYNC109 - it ends the waiting, and tells which task goes on
        **wanted: Unpack[Wanted],
    ) -> Task:
        """Creates a task and waits for its images: ``create`` and ``wait`` in one."""
        return await self.wait((await self.create(*subject_images, **wanted)).task_id, timeout=timeout)

    async def get(self, task_id: str) -> Task:
        """Reads a task, by its id or its external id, as everywhere."""
        return await self._run(self._operations.get(task_id))

    def list(self, **filters: Unpack[Filters]) -> AsyncIterator[Task]:
        """Iterates over the caller's tasks, newest first; pages are asked for as they are needed."""
        return self._iterate(self._operations.listing(filters))

    async def progress(self, task_id: str) -> Progress:
        """Reads how far a task has come."""
        return await self._run(self._operations.progress(task_id))

    def follow(self, *task_ids: str, timeout: float | None = None) -> AsyncIterator[Progress]:
        """Iterates over every change of some tasks, until all have ended.

        Raises:
            WaitTimedOut: They have not within ``timeout`` seconds.
        """
        return self._iterate(self._operations.follow(task_ids, timeout=timeout))

    async def wait(
        self,
        task_id: str,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
    ) -> Task:
        """Waits for a task's end.

        Raises:
            TaskFailed: It has ended without images.
            WaitTimedOut: It has not ended within ``timeout`` seconds.
        """
        return await self._run(self._operations.wait(task_id, timeout=timeout))

    async def request(self, task_id: str) -> KeptRequest:
        """Reads what a task was created with, links to its images included."""
        return await self._run(self._operations.request(task_id))

    async def save(self, task: Task | str, directory: str | os.PathLike[str] = ".") -> Sequence[Path]:
        """Saves a task's images as ``<task id>-<index>.png`` or ``.jpg``.

        Raises:
            TaskFailed: It has ended without images.
            NotFinished: It has none yet.
        """
        return await self._run(self._operations.save(task, Path(directory)))

    async def download(self, url: str) -> bytes:
        """Reads the image behind a link; no key is sent along."""
        return await self._run(self._operations.download(url))

    async def cancel(self, task_id: str) -> Task:
        """Cancels a task that waits for its turn.

        Raises:
            Conflict: It does not wait any more.
        """
        return await self._run(self._operations.cancel(task_id))

    async def retry(self, task_id: str, *, idempotency_key: str | None = None) -> Task:
        """Creates a new task with the same request as one that has ended.

        Raises:
            Conflict: It has not ended, or its images are no longer kept.
        """
        return await self._run(self._operations.retry(task_id, idempotency_key=idempotency_key))

    async def deliveries(self, task_id: str) -> Sequence[Delivery]:
        """Reads every attempt to tell a task's ``callback_url`` of its changes."""
        return await self._run(self._operations.deliveries(task_id))

    async def upload(self, image: str | os.PathLike[str] | bytes) -> str:
        """Uploads an image; the reference is usable wherever an image is. ``create`` does it by itself."""
        return await self._run(self._operations.upload(image))

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _run(self, operation: Operation[Value]) -> Value:
        try:
            step = next(operation)
            while True:
                try:
                    outcome = await self._do(step)
                except httpx.RequestError as error:
                    step = operation.throw(error)
                else:
                    step = operation.send(outcome)
        except StopIteration as end:
            value: Value = end.value
            return value

    async def _iterate(self, finding: Finding[Value]) -> AsyncIterator[Value]:
        try:
            step = next(finding)
            while True:
                if isinstance(step, Found):
                    yield step.value
                    step = next(finding)
                    continue
                try:
                    outcome = await self._do(step)
                except httpx.RequestError as error:
                    step = finding.throw(error)
                else:
                    step = finding.send(outcome)
        except StopIteration:
            return
        finally:
            finding.close()

    async def _do(self, step: Call | Pause) -> httpx.Response | None:
        if isinstance(step, Pause):
            await self._sleep(step.seconds)
            return None
        return await self._http.request(**step.arguments())
