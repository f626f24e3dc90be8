"""The names of a workflow's executions, written and parsed: ``<run>``, then ``<run>-again-1`` and so on."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(r"\A(?P<run>(?P<task_id>[0-9a-f]+)(?:_\d+)?)(?:-again-(?P<times>\d+))?\Z")


@dataclass(frozen=True)
class ExecutionName:
    """The parts of a name.

    Attributes:
        task_id: The task.
        run: The name of the task's first execution.
        times: How many executions came before.
    """

    task_id: str
    run: str
    times: int


def write(run: str, times: int) -> str:
    """The name of an execution that follows ``times`` others."""
    return f"{run}-again-{times}" if times else run


def parse(name: str) -> ExecutionName | None:
    """The parts of a name; ``None`` if it is not the name of a task's execution."""
    found = _NAME.match(name)
    return ExecutionName(found["task_id"], found["run"], int(found["times"] or 0)) if found else None
