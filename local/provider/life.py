"""Takes a task from submitted to its end, in its own time, and tells of every step."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from concurrent.futures import Executor
from dataclasses import dataclass

from kiln.contract import TaskStatus
from local.provider.background import Background
from local.provider.callbacks import CallbackSender
from local.provider.faults import FaultBoard
from local.provider.pictures import Materials, draw
from local.provider.results import ResultShelf
from local.provider.settings import ProviderSettings
from local.provider.tasks import Account, ProviderTask

logger = logging.getLogger(__name__)

RISK_CONTROL = "Failure to pass the risk control system"
_SUBMITTED_SHARE, _SUBMITTED_AT_MOST_S = 0.2, 1.0


@dataclass(frozen=True)
class Studio:
    """Lives the tasks: everything a task's life needs, handed in."""

    settings: ProviderSettings
    account: Account
    faults: FaultBoard
    callbacks: CallbackSender
    shelf: ResultShelf
    background: Background
    painters: Executor

    def begin(self, task: ProviderTask, materials: Materials) -> None:
        """Starts the life of an accepted task."""
        seconds = self.faults.now.task_seconds
        self.background.start(self._live(task, materials, self.settings.task_seconds if seconds is None else seconds))

    async def _live(self, task: ProviderTask, materials: Materials, seconds: float) -> None:
        self.callbacks.announce(task)
        submitted = min(seconds * _SUBMITTED_SHARE, _SUBMITTED_AT_MOST_S)
        await self._pass(task, submitted)
        task.move(TaskStatus.PROCESSING)
        self.callbacks.announce(task)
        ends_badly = self.faults.strikes(self.faults.now.fail_tasks)
        _, links = await asyncio.gather(
            self._pass(task, seconds - submitted),
            self._no_links() if ends_badly else self._paint(task, materials),
        )
        # Slots are free before anyone hears of the end: who is told may create at once.
        self.account.release(task)
        if links:
            task.image_urls = [f"{task.base_url}{link}" for link in links]
            task.move(TaskStatus.SUCCEED)
        else:
            task.move(TaskStatus.FAILED, reason=RISK_CONTROL if ends_badly else "Internal error of the simulation")
        self.callbacks.announce(task)

    async def _pass(self, task: ProviderTask, seconds: float) -> None:
        """Lets the time of a task pass, unless its end is asked for."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(task.is_due.wait(), seconds)

    async def _no_links(self) -> list[str]:
        return []

    async def _paint(self, task: ProviderTask, materials: Materials) -> list[str]:
        loop = asyncio.get_running_loop()
        order, pixels = task.order, self.settings.pixels
        pictures = [
            loop.run_in_executor(self.painters, draw, materials, order, task.task_id, index, pixels)
            for index in range(order.n)
        ]
        try:
            return [self.shelf.keep(content) for content in await asyncio.gather(*pictures)]
        except Exception:  # a task whose drawing fails must end and give its slots back, whatever the reason
            logger.exception("task %s could not be drawn", task.task_id)
            return []
        finally:
            for picture in pictures:
                picture.cancel()
