"""Valid samples, to be changed one field at a time: a create body, a checked request, a task, a stored image."""

from __future__ import annotations

from itertools import count
from typing import Any

from kiln.contract import AspectRatio, CreateRequest, ModelName, parse_create_request
from kiln.images.stored import StoredImage, StoredInput
from kiln.tasks.admission import Admission
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task

SUBJECT_URL = "https://images.test/cat.png"
SHA256 = "0" * 64

_turns = count(1)


def create_body(**changes: Any) -> dict[str, Any]:
    """A create body with its only required field, except for the changes."""
    return {"subject_image_list": [{"subject_image": SUBJECT_URL}], **changes}


def create_request(**changes: Any) -> CreateRequest:
    """The same, checked."""
    return parse_create_request(create_body(**changes), {})


def make_task(task_id: str = "task-1", **changes: Any) -> Task:
    """A task that has just been accepted, except for the changes."""
    fields: dict[str, Any] = {
        "task_id": task_id,
        "run_id": task_id,
        "caller": "ada",
        "sequence": 1,
        "turn": 1,
        "created_at": 1_722_769_557_708,
        "updated_at": 1_722_769_557_708,
        "model_name": ModelName.KLING_V2,
        "n": 1,
        "aspect_ratio": AspectRatio.R16_9,
        "inputs": [StoredInput(field="subject_image_list[0].subject_image", url=SUBJECT_URL)],
    }
    return Task(**{**fields, **changes})


def add_task(task_id: str = "task-1", **changes: Any) -> Task:
    """Makes a task and stores it, in the queue behind the one before it."""
    turn = next(_turns)
    return TaskStore().add(make_task(task_id, **{"sequence": turn, "turn": turn, **changes}), retention_days=30)


def admit_task(task_id: str = "task-1", **changes: Any) -> Task:
    """The same, but numbered and lined up as accepting does it."""
    task = make_task(task_id, **changes)
    ticket = Admission().admit(task.caller, task.n, per_minute=1_000_000, is_low=task.is_low)
    return add_task(task_id, **{**changes, "sequence": ticket.sequence, "turn": ticket.turn})


def stored_image(index: int = 0, **changes: Any) -> StoredImage:
    """A generated image in the outbox, except for the changes."""
    fields: dict[str, Any] = {
        "index": index,
        "key": f"tasks/task-1/{index}.png",
        "size": 1_000,
        "sha256": SHA256,
        "width": 1_920,
        "height": 1_080,
        "content_type": "image/png",
    }
    return StoredImage(**{**fields, **changes})
