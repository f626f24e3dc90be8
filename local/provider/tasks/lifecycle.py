"""Runs a task from submitted to its end, and sends a callback for every status."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from concurrent.futures import Executor
from dataclasses import dataclass

from kiln.contract import TaskStatus
from local.provider.background import Background
from local.provider.faults.board import FaultBoard
from local.provider.images.composer import compose
from local.provider.images.storage import ResultStorage
from local.provider.images.subjects import Materials
from local.provider.settings import ProviderSettings
from local.provider.tasks.account import Account
from local.provider.tasks.callbacks import CallbackSender
from local.provider.tasks.task import ProviderTask

logger = logging.getLogger(__name__)

RISK_CONTROL = "Failure to pass the risk control system"
_SUBMITTED_SHARE, _SUBMITTED_AT_MOST_S = 0.2, 1.0


@dataclass(frozen=True)
class Lifecycle:
    """Runs the accepted tasks of one account in the background."""

    settings: ProviderSettings
    account: Account
    faults: FaultBoard
    callbacks: CallbackSender
    storage: ResultStorage
    background: Background
    composers: Executor

    def start(self, task: ProviderTask, materials: Materials) -> None:
        """Starts an accepted task."""
        seconds = self.faults.now.task_seconds
        self.background.start(self._run(task, materials, self.settings.task_seconds if seconds is None else seconds))

    async def _run(self, task: ProviderTask, materials: Materials, seconds: float) -> None:
        self.callbacks.send(task)
        submitted = min(seconds * _SUBMITTED_SHARE, _SUBMITTED_AT_MOST_S)
        await self._wait(task, submitted)
        task.move(TaskStatus.PROCESSING)
        self.callbacks.send(task)
        fails = self.faults.strikes(self.faults.now.fail_tasks)
        _, links = await asyncio.gather(
            self._wait(task, seconds - submitted),
            self._no_links() if fails else self._compose(task, materials),
        )
        # The slots are released before the last callback: its receiver may create the next task at once.
        self.account.release(task)
        if links:
            task.image_urls = [f"{task.base_url}{link}" for link in links]
            task.move(TaskStatus.SUCCEED)
        else:
            task.move(TaskStatus.FAILED, reason=RISK_CONTROL if fails else "Internal error of the simulation")
        self.callbacks.send(task)

    async def _wait(self, task: ProviderTask, seconds: float) -> None:
        """Waits for this long, or until the task has to finish now."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(task.finish_now.wait(), seconds)

    async def _no_links(self) -> list[str]:
        return []

    async def _compose(self, task: ProviderTask, materials: Materials) -> list[str]:
        loop = asyncio.get_running_loop()
        order, pixels = task.order, self.settings.pixels
        images = [
            loop.run_in_executor(self.composers, compose, materials, order, task.task_id, index, pixels)
            for index in range(order.n)
        ]
        try:
            name = self.account.keys.name
            return [self.storage.store(content, name, order.prompt) for content in await asyncio.gather(*images)]
        except Exception:  # a task whose images cannot be drawn must fail and release its slots, whatever the reason
            logger.exception("could not draw the images of task %s", task.task_id)
            return []
        finally:
            for image in images:
                image.cancel()
