"""The tasks of the one simulated account: what each is, where to find it, and how many slots are held."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field

from kiln.contract import (
    AspectRatio,
    CallbackBody,
    CreatedTask,
    CreateRequest,
    FoundTask,
    ListQuery,
    ResultImage,
    TaskInfo,
    TaskResult,
    TaskStatus,
    WatermarkInfo,
)
from kiln.errors import DuplicateExternalTaskId
from local.provider.envelope import ProviderError

UNITS_PER_IMAGE = 16


@dataclass(frozen=True)
class Order:
    """What was asked for, without the images: those are not kept longer than the drawing takes."""

    model_name: str
    prompt: str
    n: int
    aspect_ratio: AspectRatio
    is_watermarked: bool
    callback_url: str | None
    external_task_id: str

    @classmethod
    def of(cls, request: CreateRequest) -> Order:
        """Takes the order out of a create request."""
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
    """One task at the provider, at any time of its life."""

    task_id: str
    order: Order
    base_url: str
    created_at: int
    updated_at: int
    status: TaskStatus = TaskStatus.SUBMITTED
    reason: str = ""
    image_urls: list[str] = field(default_factory=list)
    is_due: asyncio.Event = field(default_factory=asyncio.Event)

    def move(self, status: TaskStatus, *, reason: str = "") -> None:
        """Takes the task to its next status; time never stands still between two."""
        self.status = status
        self.reason = reason
        self.updated_at = max(_now_ms(), self.updated_at + 1)

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
        """What the task's ``callback_url`` is told about its present status."""
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


class Account:
    """The account's tasks, by either id, and its slots."""

    def __init__(self) -> None:
        self._tasks: dict[str, ProviderTask] = {}
        self._by_external_id: dict[str, ProviderTask] = {}
        self._running: dict[str, ProviderTask] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def slots_held(self) -> int:
        """``n`` of every task that has not ended."""
        return sum(task.order.n for task in self._running.values())

    def finish(self) -> None:
        """Ends the waiting of every task that is being generated."""
        for task in self._running.values():
            task.is_due.set()

    def check_room(self, order: Order, max_slots: int) -> None:
        """Refuses an order that this account cannot take now.

        Raises:
            DuplicateExternalTaskId: The external id is taken, whatever became of that task.
            ProviderError: 1303, too few slots are free.
        """
        if order.external_task_id and order.external_task_id in self._by_external_id:
            raise DuplicateExternalTaskId(order.external_task_id)
        if self.slots_held + order.n > max_slots:
            raise ProviderError(1303)

    def admit(self, order: Order, base_url: str, max_slots: int) -> ProviderTask:
        """Makes a task of an order, all or nothing.

        Raises:
            DuplicateExternalTaskId: As in `check_room`.
            ProviderError: As in `check_room`.
        """
        self.check_room(order, max_slots)
        now = _now_ms()
        task = ProviderTask(self._new_id(now), order, base_url, created_at=now, updated_at=now)
        self._tasks[task.task_id] = self._running[task.task_id] = task
        if order.external_task_id:
            self._by_external_id[order.external_task_id] = task
        return task

    def release(self, task: ProviderTask) -> None:
        """Gives back the slots of a task that has ended."""
        self._running.pop(task.task_id, None)

    def find(self, either_id: str) -> ProviderTask:
        """The task with this task id or external id.

        Raises:
            ProviderError: There is none; said with 400/1201, as the provider was seen to do.
        """
        task = self._tasks.get(either_id) or self._by_external_id.get(either_id)
        if task is None:
            raise ProviderError(1201, f"Task not found by id/external id: {either_id}")
        return task

    def page(self, query: ListQuery) -> list[ProviderTask]:
        """One page of the tasks, newest first."""
        newest_first = list(reversed(self._tasks.values()))
        start = (query.page_num - 1) * query.page_size
        return newest_first[start : start + query.page_size]

    def forget(self) -> None:
        """Starts over with no tasks."""
        for tasks in (self._tasks, self._by_external_id, self._running):
            tasks.clear()

    def _new_id(self, now: int) -> str:
        while True:
            task_id = str((now << 20) | secrets.randbits(20))
            if task_id not in self._tasks:
                return task_id


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
