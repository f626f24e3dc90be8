"""Posts every status change to a task's ``callback_url``: signed if there is a secret, and retried."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from datetime import UTC, datetime

import httpx
from standardwebhooks import Webhook

from local.provider.background import Background
from local.provider.faults.board import FaultBoard
from local.provider.settings import ProviderSettings
from local.provider.stats import Stats
from local.provider.tasks.task import ProviderTask

logger = logging.getLogger(__name__)


class CallbackSender:
    """Posts one account's callbacks in the background, so that a slow receiver delays no task."""

    def __init__(
        self,
        settings: ProviderSettings,
        webhook_secret: str | None,
        faults: FaultBoard,
        stats: Stats,
        http: httpx.AsyncClient,
        background: Background,
    ) -> None:
        self._settings = settings
        self._faults = faults
        self._stats = stats
        self._http = http
        self._background = background
        self._webhook = Webhook(webhook_secret) if webhook_secret else None

    def send(self, task: ProviderTask) -> None:
        """Starts a callback with the current status of the task."""
        faults = self._faults.now
        if not task.order.callback_url or faults.drop_callbacks:
            return
        body = json.dumps(self._faults.answers(task.order.prompt).shown(task.callback()))
        message_id = uuid.uuid4().hex
        for _ in range(2 if faults.duplicate_callbacks else 1):
            late = self._faults.up_to(faults.shuffle_callbacks_s) if faults.shuffle_callbacks_s else 0.0
            delay = faults.delay_callbacks_s + late
            self._background.start(self._deliver(task.order.callback_url, message_id, body, delay))

    async def _deliver(self, url: str, message_id: str, body: str, delay: float) -> None:
        await asyncio.sleep(delay)
        for attempt in range(1, self._settings.callback_attempts + 1):
            if await self._post(url, message_id, body):
                return
            if attempt < self._settings.callback_attempts:
                await asyncio.sleep(self._settings.callback_retry_s)
        logger.warning("gave up a callback after %d attempts: %s", self._settings.callback_attempts, url)

    async def _post(self, url: str, message_id: str, body: str) -> bool:
        self._stats.callbacks_sent += 1
        try:
            answer = await self._http.post(
                url,
                content=body.encode(),
                headers={"content-type": "application/json", **self._signature(message_id, body)},
                timeout=self._settings.callback_timeout_s,
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            logger.info("callback to %s not delivered: %r", url, error)
            return False
        return answer.is_success

    def _signature(self, message_id: str, body: str) -> dict[str, str]:
        if self._webhook is None:
            return {}
        now = datetime.now(tz=UTC)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(message_id, now, body),
        }
