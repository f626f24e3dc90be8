"""The names of a task's executions: ``<run_id>`` for the first, ``<run_id>-again-<number>`` for each restart.

A ``run_id`` is ``<task_id>_<accepted at>``. It has no hyphen: the state machine cuts the names of its executions at the
first one, and calls its notifications ``<run_id>-<task status>``. A name has at most 80 characters (Step Functions).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(r"\A(?P<run_id>(?P<task_id>[0-9a-f]+)_\d+)(?:-again-(?P<restarts>\d+))?\Z")


@dataclass(frozen=True)
class Execution:
    """The parts of an execution's name.

    Attributes:
        task_id: The task that it runs.
        run_id: The run of that task.
        restarts: How many executions of the run there were before it.
    """

    task_id: str
    run_id: str
    restarts: int

    @property
    def next_name(self) -> str:
        """The name of the execution that takes over from this one."""
        return execution_name(self.run_id, self.restarts + 1)


def run_id(task_id: str, accepted_at: int) -> str:
    """The name of one run of a task.

    Args:
        task_id: The task.
        accepted_at: When it was accepted, in milliseconds since the epoch: an id made of content comes again with it.
    """
    return f"{task_id}_{accepted_at}"


def execution_name(run: str, restarts: int = 0) -> str:
    """The name of a run's execution after so many restarts."""
    return f"{run}-again-{restarts}" if restarts else run


def parse_execution_name(name: str) -> Execution | None:
    """Parses an execution's name; ``None`` if Kiln did not name it."""
    named = _NAME.match(name)
    if named is None:
        return None
    return Execution(named["task_id"], named["run_id"], int(named["restarts"] or 0))
