"""The safety net below the workflow: an execution that broke starts again, and one that a person stopped is ended."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from kiln import aws, metrics
from kiln.errors import TaskNotFound
from kiln.tasks.executions import parse_execution_name
from kiln.tasks.store import TaskStore

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

MOST_RESCUES = 5
"""A task fails after so many executions that broke: the next one would break too."""

RESTARTED = "Kiln.Restarted"
"""The error of an execution that is stopped so that its task starts again instead of ending."""


def rescue(
    state_machine_arn: str,
    name: str,
    status: str,
    execution_input: str,
    *,
    tasks: TaskStore | None = None,
    step_functions: SFNClient | None = None,
) -> str | None:
    """Starts the workflow of a task again from the beginning; every step of it may be repeated without harm.

    A task that was stopped on purpose, or that has broken too often, fails first. Its new execution then releases its
    slots, publishes its end and notifies its receivers.

    Args:
        state_machine_arn: The state machine of the execution that ended.
        name: Name of that execution.
        status: ``FAILED``, ``TIMED_OUT`` or ``ABORTED``.
        execution_input: Its input.
        tasks: The task store.
        step_functions: Starts the new execution.

    Returns:
        The name of the new execution; ``None`` when nothing is left to do.
    """
    ended = parse_execution_name(name)
    if ended is None:
        return None
    executions = ended.restarts + 1
    tasks = tasks or TaskStore()
    client = step_functions or aws.step_functions()
    was_stopped = status == "ABORTED"
    starts_again = was_stopped and _is_restarted(state_machine_arn, name, client)
    if not starts_again:
        metrics.record(metrics.RESCUED)
    if not starts_again and (was_stopped or executions > MOST_RESCUES):
        try:
            task = tasks.get(ended.task_id)
        except TaskNotFound:
            return None
        reason = "was stopped" if was_stopped else f"broke {executions} times"
        if tasks.fail(task, f"The task's workflow {reason}") is None and executions > MOST_RESCUES:
            return None  # The task had ended, and notifying of it does not work: only the alarm is left.
        # It may wait in the queue where no other task would wake it; a requested wake-up lets it through.
        tasks.request_wake_up(ended.task_id)
    # The end is reported at least once, and the reconciler looks too: the execution may run already.
    with contextlib.suppress(client.exceptions.ExecutionAlreadyExists):
        client.start_execution(stateMachineArn=state_machine_arn, name=ended.next_name, input=execution_input)
    return ended.next_name


def _is_restarted(state_machine_arn: str, name: str, client: SFNClient) -> bool:
    """Whether an execution was stopped for its task to start again; the event does not say with which error."""
    arn = f"{state_machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"
    return client.describe_execution(executionArn=arn).get("error") == RESTARTED
