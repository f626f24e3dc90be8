"""A task of the simulated provider and the order it was made from."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from kiln.contract import (
    AspectRatio,
    CallbackBody,
    CreatedTask,
    CreateRequest,
    FoundTask,
    ResultImage,
    TaskInfo,
    TaskResult,
    TaskStatus,
    WatermarkInfo,
)

UNITS_PER_IMAGE = 16


@dataclass(frozen=True)
class Order:
    """The caller's order without the images, which are needed only while the results are drawn."""

    model_name: str
    prompt: str
    n: int
    aspect_ratio: AspectRatio
    is_watermarked: bool
    callback_url: str | None
    external_task_id: str

    @classmethod
    def of(cls, request: CreateRequest) -> Order:
        """The order in a create request."""
        return cls(
            model_name=request.model_name.value,
            prompt=request.prompt or "",
            n=request.n,
            aspect_ratio=request.aspect_ratio,
            is_watermarked=request.watermark_info.enabled,
            callback_url=request.callback_url,
            external_task_id=request.external_task_id or "",
        )


@dataclass
class ProviderTask:
    """One task, from submitted to its end."""

    task_id: str
    order: Order
    base_url: str
    created_at: int
    updated_at: int
    status: TaskStatus = TaskStatus.SUBMITTED
    reason: str = ""
    image_urls: list[str] = field(default_factory=list)
    finish_now: asyncio.Event = field(default_factory=asyncio.Event)

    def move(self, status: TaskStatus, *, reason: str = "") -> None:
        """Sets the next status; ``updated_at`` always increases."""
        self.status = status
        self.reason = reason
        self.updated_at = max(now_ms(), self.updated_at + 1)

    def created(self) -> CreatedTask:
        """``data`` of the answer to *create*."""
        return CreatedTask(
            task_id=self.task_id,
            task_info=self._info(),
            task_status=self.status,
            created_at=self.created_at,
            updated_at=self.updated_at,
        )

    def found(self) -> FoundTask:
        """``data`` of the answer to *query*."""
        return FoundTask(
            task_id=self.task_id,
            task_info=self._info(),
            task_status=self.status,
            task_status_msg=self.reason,
            final_unit_deduction=self._deduction(),
            watermark_info=WatermarkInfo(enabled=self.order.is_watermarked),
            task_result=self._result(),
            created_at=self.created_at,
            updated_at=self.updated_at,
        )

    def callback(self) -> CallbackBody:
        """The body of a callback with the current status."""
        return CallbackBody(
            task_id=self.task_id,
            task_status=self.status,
            task_status_msg=self.reason,
            task_info=self._info(),
            final_unit_deduction=self._deduction(),
            task_result=self._result(),
            created_at=self.created_at,
            updated_at=self.updated_at,
        )

    def _info(self) -> TaskInfo:
        return TaskInfo(external_task_id=self.order.external_task_id)

    def _deduction(self) -> str:
        return str(UNITS_PER_IMAGE * self.order.n) if self.status is TaskStatus.SUCCEED else ""

    def _result(self) -> TaskResult:
        return TaskResult(images=[ResultImage(index=index, url=url) for index, url in enumerate(self.image_urls)])


def now_ms() -> int:
    """The current time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000
