"""``kiln task``: shows one task's history, and repairs a task that is stuck or has failed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from kiln_cli.failures import NOT_FOUND, USAGE, CommandFailed
from kiln_cli.operating import dead_letters
from kiln_cli.operating.aws_console import task_links
from kiln_cli.operating.history import REQUESTED, TIMER, Moment, moments_of
from kiln_cli.operating.moments import clock_time, date_and_time, duration, timestamp
from kiln_cli.operating.operations import OperationRefused, operate
from kiln_cli.operating.session import OperatorCommand, OperatorSession

app = typer.Typer(name="task", help="One task: show its history, retry it, fail it.", no_args_is_help=True)

TaskId = Annotated[str, typer.Argument(metavar="ID", help="Kiln's id of the task (task_id)")]

_DONE = {
    "woken": "its workflow was woken",
    "started": "its workflow was started",
    "restarted": "its workflow begins again",
    "none": "nothing was left to do",
}


@app.command("show", cls=OperatorCommand)
def show(session: OperatorSession, task_id: TaskId) -> None:
    """Show a task's history: status changes, wake-ups, attempts, the provider's answers, webhooks."""
    task = _task(session, task_id)
    history = moments_of(task, session.installation)
    links = task_links(session.installation, task)
    if session.terminal.as_json:
        # The prompt and the images are the caller's; an operator does not print them.
        shown = {name: value for name, value in task.items() if name not in {"prompt", "inputs"}}
        session.terminal.document({"task": shown, "history": [asdict(each) for each in history], "links": links})
        return
    session.terminal.lines(_head(task, history, links))
    after = [f"+{duration((each.at - task['created_at']) / 1_000)}" for each in history]
    if not session.terminal.is_watched:
        session.terminal.rows(
            (timestamp(each.at), passed, each.what, each.detail, each.where)
            for each, passed in zip(history, after, strict=True)
        )
        return
    from rich.table import Table  # noqa: PLC0415 - a pipe saves a fifth of a second

    table = Table("UTC", "after", "what", "", "where", box=None, pad_edge=False)
    for each, passed in zip(history, after, strict=True):
        table.add_row(clock_time(each.at), passed, each.what, each.detail, each.where)
    session.terminal.console.print(table, soft_wrap=False)


@app.command("retry", cls=OperatorCommand)
def retry(session: OperatorSession, task_id: TaskId) -> None:
    """Restart a stuck task's workflow, or create a new task with a failed one's request (which costs units)."""
    task = _task(session, task_id)
    # An ended task may still have a workflow to finish, such as its notifications.
    done = operate(session.installation, "restart", task_id=task_id)
    if done["did"] == "none":
        if task["task_status"] != "failed":
            raise CommandFailed(f"{task_id} has ended ({task['task_status']}): there is nothing to retry")
        done = operate(session.installation, "retry", task_id=task_id)
    created = f"{done['task_id']} was created with the same request"
    session.answer(done, created if done["did"] == "created" else _in_words(done))


@app.command("fail", cls=OperatorCommand)
def fail(
    session: OperatorSession,
    task_id: TaskId,
    reason: Annotated[str, typer.Option(help="The reason; the task's caller sees it (task_status_msg)")],
) -> None:
    """End a task as failed. It releases its slots and notifies its caller; accepted work is still charged."""
    if not reason.strip():
        raise CommandFailed("--reason: must not be empty; the task's caller sees it", USAGE)
    done = operate(session.installation, "fail", task_id=task_id, reason=reason)
    session.answer(done, f"{_in_words(done)}; it releases its slots and notifies its caller")


@app.command("redrive-dead-letters", cls=OperatorCommand)
def redrive_dead_letters(session: OperatorSession) -> None:
    """Move the inbox's dead letters back, and start the tasks whose workflow did not start."""
    moved = dead_letters.redrive_inbox(session.installation)
    started, left = dead_letters.start_unstarted(session.installation)
    session.answer(
        {"inbox": moved, "started": started, "left": left},
        f"moved back to the inbox's queue: {moved}",
        f"workflows started: {started}",
    )
    if left:
        raise CommandFailed(f"{len(left)} stay in the queue of unstarted tasks: {'; '.join(left)}")


def _task(session: OperatorSession, task_id: str) -> dict[str, Any]:
    try:
        return operate(session.installation, "show", task_id=task_id)
    except OperationRefused as refused:
        raise CommandFailed(str(refused), NOT_FOUND) from None


def _head(task: dict[str, Any], history: list[Moment], links: dict[str, str]) -> list[str]:
    wake_ups = [moment.wake_up for moment in history]
    rows = [
        ("task", task["task_id"]),
        ("status", f"{task['task_status']}{' in the queue' if task['queue'] == 'waiting' else ''}"),
        ("reason", task["task_status_msg"]),
        ("caller", task["caller"]),
        ("external id", task["external_task_id"]),
        ("request", f"{task['model_name']}, n = {task['n']}, {task['aspect_ratio']}"),
        ("accepted", date_and_time(task["created_at"])),
        ("provider id", task["provider_task_id"]),
        ("refused", task["refusal"]),
        ("attempts", f"offered to the provider {task['dispatch_attempts']}×, polled {task['polls']}×"),
        ("wake-ups", f"{wake_ups.count(REQUESTED)} requested, {wake_ups.count(TIMER)} by the timer"),
        ("cost", f"{task['final_unit_deduction']} units" if task["final_unit_deduction"] else ""),
        *links.items(),
    ]
    return [f"{name:<12} {value}" for name, value in rows if value] + [""]


def _in_words(done: dict[str, Any]) -> str:
    execution = f" ({done['execution']})" if done["execution"] else ""
    return f"{done['task_id']}: {_DONE[done['did']]}{execution}"
