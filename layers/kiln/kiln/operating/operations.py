"""The operations that the function for operators offers, with their input and answer."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kiln.errors import KilnError
from kiln.operating import dispatch, provider_keys, task
from kiln.tasks.store import MESSAGE_CHARACTERS, TaskStore


class Operation(StrEnum):
    """An operation that an operator may request."""

    STATUS = "status"
    """Slots, the tasks that hold them, and the tasks that wait."""

    PAUSE = "pause"
    """No task gets slots any more."""

    RESUME = "resume"
    """Tasks get slots again; slots of ended tasks are released."""

    SHOW = "show"
    """One task, as it is stored."""

    FAIL = "fail"
    """Ends a task for a reason."""

    RESTART = "restart"
    """Starts the workflow again, of a task that has not ended."""

    RETRY = "retry"
    """Makes a new task of a failed one's request."""

    CHECK_PROVIDER = "check-provider"
    """Asks the provider whether it takes the keys that are in the secret now."""


class OperatorRequest(BaseModel):
    """The function's input."""

    model_config = ConfigDict(extra="forbid")

    operation: Operation
    task_id: str = Field(default="", pattern=r"^[A-Za-z0-9-]*$", max_length=64)
    reason: str = Field(default="", max_length=MESSAGE_CHARACTERS)


class OperatorAnswer(BaseModel):
    """The function's answer: the result, or one sentence that says why it refused."""

    refusal: str = ""
    result: dict[str, Any] = Field(default_factory=dict)


_OPERATIONS: dict[Operation, Callable[[OperatorRequest], BaseModel]] = {
    Operation.STATUS: lambda _: dispatch.status(),
    Operation.PAUSE: lambda _: dispatch.pause(),
    Operation.RESUME: lambda _: dispatch.resume(),
    Operation.SHOW: lambda asked: TaskStore().get(asked.task_id),
    Operation.FAIL: lambda asked: task.fail(asked.task_id, asked.reason),
    Operation.RESTART: lambda asked: task.restart(asked.task_id),
    Operation.RETRY: lambda asked: task.retry(asked.task_id),
    Operation.CHECK_PROVIDER: lambda _: provider_keys.check(),
}


def perform(event: dict[str, Any]) -> OperatorAnswer:
    """Does what an operator asks for."""
    try:
        asked = OperatorRequest.model_validate(event)
        return OperatorAnswer(result=_OPERATIONS[asked.operation](asked).model_dump(mode="json"))
    except ValidationError as error:
        wrong = ", ".join(f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors())
        return OperatorAnswer(refusal=wrong)
    except KilnError as error:
        return OperatorAnswer(refusal=error.message)
