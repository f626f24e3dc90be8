"""Turns models into DynamoDB items and back; knows the table's keys."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from kiln.contract.vocabulary import TaskStatus
from kiln.tasks.attributes import attribute_of, plain
from kiln.tasks.task import Task

BY_CALLER = "by_caller"
"""The index that lists a caller's tasks: ``caller``, ``sequence``."""

BY_TURN = "by_turn"
"""The sparse index of what the reconciler checks: ``queue`` (``WAITING``, ``RUNNING``, ``INCOMPLETE``), ``turn``."""

BY_STATUS = "by_status"
"""The index that lists a caller's tasks of one status: ``listed``, ``sequence``. It has the keys alone."""

WAITING = "waiting"
"""The ``queue`` of the tasks that wait for slots, in the order of their turns."""

RUNNING = "running"
"""The ``queue`` of the tasks that have had their turn, in the order of their dispatch: the reconciler checks them."""

DELETING = "deleting"
"""The ``queue`` of the tombstones whose files may still be there, in the order of their deletion."""

INCOMPLETE = "incomplete"
"""The ``queue`` of the batches whose jobs are not all accepted; their ``turn`` is when their last request began."""

Item = dict[str, Any]


SLOTS_KEY: Item = {"pk": {"S": "SLOTS"}}
"""The item of the provider's slots."""


RECONCILER_KEY: Item = {"pk": {"S": "RECONCILER"}}
"""The item that says where the reconciler continues."""

STAGE_TIMES_KEY: Item = {"pk": {"S": "STAGE_TIMES"}}
"""The item of the stage times of recent tasks."""


def gate_key(account: str, calls: str) -> Item:
    """The key of a provider account's gate for one kind of calls."""
    return {"pk": {"S": f"GATE#{account}#{calls}"}}


def task_key(task_id: str) -> Item:
    """The key of a task."""
    return {"pk": {"S": f"TASK#{task_id}"}}


def task_id_of(item: Mapping[str, Any]) -> str:
    """The id of the task whose key an item has."""
    return str(item["pk"]["S"]).removeprefix("TASK#")


def batch_key(batch_id: str) -> Item:
    """The key of a batch."""
    return {"pk": {"S": f"BATCH#{batch_id}"}}


def batch_id_of(item: Mapping[str, Any]) -> str:
    """The id of the batch whose key an item has."""
    return str(item["pk"]["S"]).removeprefix("BATCH#")


def caller_key(caller: str) -> Item:
    """The key of a caller's counter of tasks."""
    return {"pk": {"S": f"CALLER#{caller}"}}


def listed(caller: str, status: TaskStatus) -> str:
    """The key of a task in the index ``by_status``."""
    return f"{caller}#{status.value}"


def external_key(caller: str, external_task_id: str) -> Item:
    """The key that claims an external id for one caller; a digest, as a key holds 2 KB at most (DynamoDB)."""
    digest = hashlib.sha256(external_task_id.encode()).hexdigest()
    return {"pk": {"S": f"EXTERNAL#{caller}#{digest}"}}


def drop_key(folder: str) -> Item:
    """The key that remembers what was last made of a dropped folder."""
    return {"pk": {"S": f"DROP#{hashlib.sha256(folder.encode()).hexdigest()}"}}


def values(**named: Any) -> Item:
    """Expression values: ``values(status="failed")`` is ``{":status": {"S": "failed"}}``."""
    return {f":{name}": attribute_of(value) for name, value in named.items()}


def item_of(task: Task) -> Item:
    """A task as attributes; empty ones and zeros are left out, so that ``if_not_exists`` means what it says."""
    dumped = task.model_dump(mode="json", exclude_none=True)
    return {name: attribute_of(value) for name, value in dumped.items() if value}


def task_of(item: Mapping[str, Any]) -> Task:
    """A task from an item."""
    return Task.model_validate({name: plain(value) for name, value in item.items()})
