"""``kiln task``: one task's whole history, and what to do with one that is stuck or has failed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from kiln_cli.failures import NOT_FOUND, CommandFailed
from kiln_cli.installation import OperationRefused
from kiln_cli.operating import dead_letters
from kiln_cli.operating.command import OperatorSession, operator_command
from kiln_cli.operating.history import BELL, TIMER, Moment, moments_of
from kiln_cli.operating.moments import clock_time, date_and_time, duration, timestamp

app = typer.Typer(name="task", help="One task: show its history, retry it, fail it.", no_args_is_help=True)

TaskId = Annotated[str, typer.Argument(metavar="ID", help="Kiln's id of the task (task_id)")]

_DONE = {
    "woken": "its workflow was woken",
    "started": "its workflow was started",
    "restarted": "its workflow begins again",
    "none": "nothing was left to do",
}


@operator_command(app, "show")
def show(session: OperatorSession, task_id: TaskId) -> None:
    """Show what happened to a task: status changes, wake-ups, attempts, the provider's answers, deliveries."""
    task = _task(session, task_id)
    history = moments_of(task, session.installation)
    if session.terminal.as_json:
        # What the caller asked for is the caller's: it is not an operator's to print.
        shown = {name: value for name, value in task.items() if name not in {"prompt", "inputs"}}
        session.terminal.document({"task": shown, "history": [asdict(moment) for moment in history]})
        return
    session.terminal.lines(_head(task, history))
    after = [f"+{duration((each.at - task['created_at']) / 1_000)}" for each in history]
    if not session.terminal.is_watched:
        session.terminal.rows(
            (timestamp(each.at), passed, each.what, each.detail, each.where)
            for each, passed in zip(history, after, strict=True)
        )
        return
    from rich.table import Table  # noqa: PLC0415 - a fifth of a second that pipes do not need

    table = Table("UTC", "after", "what", "", "where", box=None, pad_edge=False)
    for each, passed in zip(history, after, strict=True):
        table.add_row(clock_time(each.at), passed, each.what, each.detail, each.where)
    session.terminal.console.print(table, soft_wrap=False)


@operator_command(app, "retry")
def retry(session: OperatorSession, task_id: TaskId) -> None:
    """Begin a stuck task's workflow again, or make a new task of a failed one's request (which is paid for)."""
    task = _task(session, task_id)
    # One whose end was never told has a workflow to finish, whatever its status.
    done = session.installation.operate("restart", task_id=task_id)
    if done["did"] == "none":
        if task["task_status"] != "failed":
            raise CommandFailed(f"{task_id} has ended ({task['task_status']}): there is nothing to retry")
        done = session.installation.operate("retry", task_id=task_id)
    said = f"{done['task_id']} was created with the same request" if done["did"] == "created" else _said(done)
    _tell(session, done, said)


@operator_command(app, "fail")
def fail(
    session: OperatorSession,
    task_id: TaskId,
    reason: Annotated[str, typer.Option(help="Why: the task's caller is told this (task_status_msg)")],
) -> None:
    """End a task as failed: its slots go back, whoever asked for it is told. What the provider has taken is paid."""
    done = session.installation.operate("fail", task_id=task_id, reason=reason)
    _tell(session, done, f"{_said(done)}; it gives its slots back and tells of the end")


@operator_command(app, "redrive-dead-letters")
def redrive_dead_letters(session: OperatorSession) -> None:
    """Bring back what was put aside: the inbox's dead letters, and tasks whose workflow could not be started."""
    moved = dead_letters.redrive_inbox(session.installation)
    started, left = dead_letters.start_unstarted(session.installation)
    if session.terminal.as_json:
        session.terminal.document({"inbox": moved, "started": started, "left": left})
    else:
        session.terminal.lines([f"back in the inbox's queue: {moved}", f"workflows started: {started}"])
    if left:
        raise CommandFailed(f"{len(left)} were left in the queue of unstarted tasks: {'; '.join(left)}")


def _task(session: OperatorSession, task_id: str) -> dict[str, Any]:
    try:
        return session.installation.operate("show", task_id=task_id)
    except OperationRefused as refused:
        raise CommandFailed(str(refused), NOT_FOUND) from None


def _head(task: dict[str, Any], history: list[Moment]) -> list[str]:
    woken = [moment.wake_up for moment in history]
    told = [
        ("task", task["task_id"]),
        ("status", f"{task['task_status']}{' in line' if task['queue'] else ''}"),
        ("reason", task["task_status_msg"]),
        ("caller", task["caller"]),
        ("external id", task["external_task_id"]),
        ("request", f"{task['model_name']}, n = {task['n']}, {task['aspect_ratio']}"),
        ("accepted", date_and_time(task["created_at"])),
        ("provider id", task["provider_task_id"]),
        ("refused", task["refusal"]),
        ("attempts", f"offered to the provider {task['dispatch_attempts']}×, polled {task['polls']}×"),
        ("woken", f"{woken.count(BELL)}× by the bell, {woken.count(TIMER)}× by the timer"),
        ("cost", f"{task['final_unit_deduction']} units" if task["final_unit_deduction"] else ""),
    ]
    return [f"{name:<12} {value}" for name, value in told if value] + [""]


def _said(done: dict[str, Any]) -> str:
    execution = f" ({done['execution']})" if done["execution"] else ""
    return f"{done['task_id']}: {_DONE[done['did']]}{execution}"


def _tell(session: OperatorSession, done: dict[str, Any], sentence: str) -> None:
    if session.terminal.as_json:
        session.terminal.document(done)
    else:
        session.terminal.lines([sentence])
