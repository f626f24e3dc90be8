"""An operator's changes to one task: end it, restart its workflow, or retry its request.

Only the workflow moves a task. This module wakes or starts the workflow, and each step may be repeated without harm.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from kiln import aws
from kiln.auth.callers import Caller
from kiln.contract.vocabulary import TaskStatus
from kiln.errors import OperationRefused
from kiln.intake.accept import UNLIMITED
from kiln.metrics import Failure
from kiln.retry import retry as retry_task
from kiln.settings import WorkflowSettings, load
from kiln.tasks.admission import Admission
from kiln.tasks.executions import execution_name
from kiln.tasks.store import MESSAGE_CHARACTERS, TaskStore
from kiln.tasks.task import Task
from kiln.tasks.wake_up import wake
from kiln.workflow.executions import last_execution
from kiln.workflow.rescue import RESTARTED
from kiln.workflow.start import start_stored

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class TaskChange(BaseModel):
    """The change that was made to a task.

    Attributes:
        task_id: Of the task; of the new one, if one was created.
        task_status: Its status now.
        did: ``woken``: its workflow continues; ``started``: it had no running workflow; ``restarted``: its running
            workflow was stopped and started again; ``created``: there is a new task; ``none``: nothing to do.
        execution: The execution that was woken, started or restarted, if any.
    """

    task_id: str
    task_status: TaskStatus
    did: Literal["woken", "started", "restarted", "created", "none"]
    execution: str = ""


def fail(
    task_id: str, reason: str, *, tasks: TaskStore | None = None, step_functions: SFNClient | None = None
) -> TaskChange:
    """Ends a task that has not ended; its workflow then gives its slots back and tells of the end, as it always does.

    The provider is not asked to stop, as it cannot be: what it has taken, it generates and charges.

    Raises:
        TaskNotFound: There is no such task.
        OperationRefused: There is no reason, or the task has already ended.
    """
    if not reason.strip():
        raise OperationRefused("a reason is needed: the task's caller sees it")
    tasks = tasks or TaskStore()
    task = tasks.get(task_id)
    failed = tasks.fail(task, reason, Failure.OPERATOR)
    if failed is not None and task.is_waiting:
        # It has cost its caller a turn that is never used.
        Admission().withdraw(task.caller, task.n, is_low=task.is_low)
    if failed is None:
        task = tasks.get(task_id)
        if task.task_status_msg != reason[:MESSAGE_CHARACTERS]:
            raise OperationRefused(f"the task has already ended ({task.task_status})")
    if wake(task_id, tasks=tasks, step_functions=step_functions):
        return TaskChange(task_id=task_id, task_status=TaskStatus.FAILED, did="woken")
    # It is not parked: it may be in the long wait of a retry, or gone. From the start it finds its way out at once.
    did, execution = _restart(task.model_copy(update={"task_status": TaskStatus.FAILED}), step_functions)
    return TaskChange(task_id=task_id, task_status=TaskStatus.FAILED, did=did, execution=execution)


def restart(task_id: str, *, tasks: TaskStore | None = None, step_functions: SFNClient | None = None) -> TaskChange:
    """Starts a task's workflow once more, whatever became of the one it has; nothing is paid for twice by it.

    A task that has ended, and whose notifications are under way, is left alone.

    Raises:
        TaskNotFound: There is no such task.
    """
    task = (tasks or TaskStore()).get(task_id)
    did, execution = _restart(task, step_functions)
    return TaskChange(task_id=task_id, task_status=task.task_status, did=did, execution=execution)


def retry(task_id: str, *, tasks: TaskStore | None = None) -> TaskChange:
    """Makes a new task of a failed one's request, for the same caller; its limits do not count.

    Raises:
        TaskNotFound: There is no such task.
        OperationRefused: It has not failed.
        RetryRefused: Its images are no longer kept, or it is a drop that is being tried again already.
    """
    task = (tasks or TaskStore()).get(task_id)
    if task.task_status is not TaskStatus.FAILED:
        raise OperationRefused(f"only a failed task can be retried, this one is {task.task_status}")
    retried = retry_task(Caller(name=task.caller, tasks_per_minute=UNLIMITED), task_id)
    return TaskChange(task_id=retried.task_id, task_status=retried.task_status, did="created")


def _restart(task: Task, given: SFNClient | None) -> tuple[Literal["started", "restarted", "none"], str]:
    client = given or aws.step_functions()
    last, times = last_execution(task.run_id, client)
    if last is None:
        start_stored(task.task_id, step_functions=client)
        return "started", task.run_id
    if last["status"] == "RUNNING":
        # The rescue function receives the event, and starts it again.
        client.stop_execution(
            executionArn=last["executionArn"], error=RESTARTED, cause="An operator has it begin once more"
        )
        return "restarted", last["name"]
    if last["status"] == "SUCCEEDED" and task.task_status.is_terminal:
        return "none", last["name"]
    again = execution_name(task.run_id, times + 1)
    # The rescue function may be faster.
    with contextlib.suppress(client.exceptions.ExecutionAlreadyExists):
        client.start_execution(
            stateMachineArn=load(WorkflowSettings).state_machine_arn, name=again, input=last["input"]
        )
    return "started", again
