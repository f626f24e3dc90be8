"""``kiln list``: lists tasks."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, get_args

import typer

from kiln_cli.failures import USAGE, CommandFailed
from kiln_cli.pictures import tables
from kiln_cli.pictures.session import Session
from kiln_client import Filters, TaskStatus

STATUSES: tuple[TaskStatus, ...] = get_args(TaskStatus)

Status = Annotated[
    str | None,
    typer.Option(
        "--status",
        "-s",
        metavar="STATUS",
        help="Only tasks with this status: " + ", ".join(STATUSES),
        autocompletion=lambda: list(STATUSES),
    ),
]
Limit = Annotated[int, typer.Option("--limit", "-l", metavar="N", min=1, help="How many tasks")]


def list_tasks(session: Session, status: Status = None, limit: Limit = 20) -> None:
    """List your tasks, newest first.

    Prints id, status, time of acceptance and your own id in a pipe, with tabs between.
    """
    filters: Filters = {"page_size": min(limit, 100), "status": _status(status)}
    with session.kiln() as kiln:
        tasks = list(islice(kiln.list(**filters), limit))
    terminal = session.terminal
    if terminal.as_json:
        terminal.document([task.answer for task in tasks])
    elif terminal.is_watched:
        terminal.show(tables.table(tasks) if tasks else "No tasks match." if status else "No tasks yet.")
    else:
        rows = (
            (task.task_id, task.task_status, task.created.isoformat(timespec="milliseconds"), task.external_task_id)
            for task in tasks
        )
        terminal.rows(rows)


def _status(given: str | None) -> TaskStatus | None:
    if given is None:
        return None
    for status in STATUSES:
        if status == given:
            return status
    raise CommandFailed(f"--status: must be one of {', '.join(STATUSES)}, got {given}", USAGE)
