"""The operations that the function for operators offers, with their input and answer."""

# ruff: noqa: PLC0415 - what one operation alone needs is imported for it

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kiln.errors import KilnError
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


def perform(event: dict[str, Any]) -> OperatorAnswer:
    """Does what an operator asks for."""
    try:
        asked = OperatorRequest.model_validate(event)
        return OperatorAnswer(result=_result(asked).model_dump(mode="json"))
    except ValidationError as error:
        wrong = ", ".join(f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors())
        return OperatorAnswer(refusal=wrong)
    except KilnError as error:
        return OperatorAnswer(refusal=error.message)


def _result(asked: OperatorRequest) -> BaseModel:
    """Does what is asked for. An operator asks for one thing, so a module is imported for its own operations alone."""
    match asked.operation:
        case Operation.STATUS:
            from kiln.operating import dispatch

            return dispatch.status()
        case Operation.PAUSE:
            from kiln.operating import pausing

            return pausing.pause()
        case Operation.RESUME:
            from kiln.operating import pausing

            return pausing.resume()
        case Operation.CHECK_PROVIDER:
            from kiln.operating import provider_keys

            return provider_keys.check()
        case Operation.SHOW:
            return TaskStore().get(asked.task_id)
    from kiln.operating import task

    match asked.operation:
        case Operation.FAIL:
            return task.fail(asked.task_id, asked.reason)
        case Operation.RESTART:
            return task.restart(asked.task_id)
        case Operation.RETRY:
            return task.retry(asked.task_id)
