"""Coroutines that run in the background, to be cancelled at a reset and at the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine

logger = logging.getLogger(__name__)


class Background:
    """A set of running coroutines; asyncio alone keeps only weak references to them."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[object, object, None]) -> None:
        """Runs the coroutine in the background."""
        running = asyncio.get_running_loop().create_task(work)
        self._running.add(running)
        running.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Cancels all of them and waits for their end."""
        ending = list(self._running)
        for running in ending:
            running.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    def _ended(self, running: asyncio.Task[None]) -> None:
        self._running.discard(running)
        if not running.cancelled() and (error := running.exception()) is not None:
            logger.error("background work failed", exc_info=error)
