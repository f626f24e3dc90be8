"""A simulated account: its keys, its tasks by either id, and its slots."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from kiln.contract import ListQuery
from kiln.errors import DuplicateExternalTaskId
from local.provider.api.envelope import ProviderError
from local.provider.settings import AccountKeys
from local.provider.tasks.task import Order, ProviderTask, now_ms


class Account:
    """One account's tasks, by either id, and its slots.

    Args:
        keys: The account's keys.
    """

    def __init__(self, keys: AccountKeys) -> None:
        self.keys = keys
        self._tasks: dict[str, ProviderTask] = {}
        self._by_external_id: dict[str, ProviderTask] = {}
        self._running: dict[str, ProviderTask] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def slots_held(self, model: str = "") -> int:
        """``n`` of every task that has not ended, of one model or of all."""
        return sum(task.order.n for task in self._running.values() if model in ("", task.order.model_name))

    def finish(self) -> None:
        """Ends every running task as soon as its images are drawn."""
        for task in self._running.values():
            task.finish_now.set()

    def check_can_accept(self, order: Order, max_slots: int | Mapping[str, int]) -> None:
        """Raises an error if the account cannot accept this order now.

        Args:
            order: The order.
            max_slots: The slots for all models together, or for each; a model that is not named has none.

        Raises:
            DuplicateExternalTaskId: A task with this external id exists, even if it failed.
            ProviderError: Too few slots are free (1303).
        """
        if order.external_task_id and order.external_task_id in self._by_external_id:
            raise DuplicateExternalTaskId(order.external_task_id)
        if isinstance(max_slots, int):
            is_full = self.slots_held() + order.n > max_slots
        else:
            is_full = self.slots_held(order.model_name) + order.n > max_slots.get(order.model_name, 0)
        if is_full:
            raise ProviderError(1303)

    def accept(self, order: Order, base_url: str, max_slots: int | Mapping[str, int]) -> ProviderTask:
        """Creates a task for an order.

        Raises:
            DuplicateExternalTaskId: As in `check_can_accept`.
            ProviderError: As in `check_can_accept`.
        """
        self.check_can_accept(order, max_slots)
        now = now_ms()
        task = ProviderTask(self._new_id(now), order, base_url, created_at=now, updated_at=now)
        self._tasks[task.task_id] = self._running[task.task_id] = task
        if order.external_task_id:
            self._by_external_id[order.external_task_id] = task
        return task

    def release(self, task: ProviderTask) -> None:
        """Releases the slots of a task that has ended."""
        self._running.pop(task.task_id, None)

    def find(self, either_id: str) -> ProviderTask:
        """The task with this task id or external id.

        Raises:
            ProviderError: There is none (HTTP 400, code 1201, as observed at the real provider).
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

    def clear(self) -> None:
        """Removes every task."""
        for tasks in (self._tasks, self._by_external_id, self._running):
            tasks.clear()

    def _new_id(self, now: int) -> str:
        while True:
            task_id = str((now << 20) | secrets.randbits(20))
            if task_id not in self._tasks:
                return task_id
