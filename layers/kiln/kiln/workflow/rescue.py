"""The net below the workflow itself: an execution that broke starts again; one that a person stopped is concluded."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING

from kiln import aws, metrics
from kiln.tasks.admission import Admission
from kiln.tasks.store import TaskStore

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

MOST_RESCUES = 5
"""After so many executions that broke the task fails: what breaks every time is not mended by trying."""

RESTARTED = "Kiln.Restarted"
"""The error that an execution is stopped with when it is to begin again, rather than to end its task."""

_NAME = re.compile(r"\A(?P<run_id>(?P<task_id>[0-9a-f]+)(?:_\d+)?)(?:-again-(?P<times>\d+))?\Z")


def rescue(
    state_machine_arn: str,
    name: str,
    status: str,
    course: str,
    *,
    tasks: TaskStore | None = None,
    step_functions: SFNClient | None = None,
) -> str | None:
    """Starts the workflow of a task once more, from the beginning: every step of it may be repeated without harm.

    A task that was stopped on purpose, or that has broken too often, is failed first; its new execution then gives its
    slots back, publishes its end and notifies whoever asked.

    Args:
        state_machine_arn: Of the execution that ended.
        name: Of that execution.
        status: ``FAILED``, ``TIMED_OUT`` or ``ABORTED``.
        course: Its input.
        tasks: The task store.
        step_functions: Starts the new execution.

    Returns:
        The name of the new execution; ``None`` when there is nothing left to be done.
    """
    named = _NAME.match(name)
    if named is None:
        return None
    times = int(named["times"] or 0) + 1
    tasks = tasks or TaskStore()
    client = step_functions or aws.step_functions()
    was_stopped = status == "ABORTED"
    begins_again = was_stopped and _is_restarted(state_machine_arn, name, client)
    if not begins_again:
        metrics.record(metrics.RESCUED)
    if not begins_again and (was_stopped or times > MOST_RESCUES):
        task = tasks.get(named["task_id"])
        reason = "was stopped" if was_stopped else f"broke {times} times"
        if tasks.fail(task, f"The task's workflow {reason}") is None and times > MOST_RESCUES:
            return None  # It had ended, and telling of it does not work: the alarm is all that is left.
        # It may stand in line where nobody else will wake it: with its bell rung it passes through.
        tasks.ring(named["task_id"])
    again = execution_name(named["run_id"], times)
    # Lambda tells of the end at least once: the execution may be started already.
    with contextlib.suppress(client.exceptions.ExecutionAlreadyExists):
        client.start_execution(stateMachineArn=state_machine_arn, name=again, input=begun_again(course))
    return again


def begun_again(course: str) -> str:
    """The input to begin again with: taking its slots once more must not set the line back to a turn long past."""
    again = json.loads(course)
    if "slots" in again:
        again["slots"]["turn"] = str(max(int(again["slots"]["turn"]), Admission().served()))
    return json.dumps(again)


def execution_name(run_id: str, times: int) -> str:
    """The name of a task's execution that was started again so many times."""
    return f"{run_id}-again-{times}" if times else run_id


def _is_restarted(state_machine_arn: str, name: str, client: SFNClient) -> bool:
    """Whether an execution was stopped for its task to begin again."""
    # The event that tells of it does not say with what error it was stopped.
    arn = f"{state_machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"
    return client.describe_execution(executionArn=arn).get("error") == RESTARTED
