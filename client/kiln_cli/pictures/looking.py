"""The commands that look at tasks: watch, list, get, cancel, open."""

from __future__ import annotations

import os
import sys
import webbrowser
from itertools import islice
from pathlib import Path
from typing import Annotated, get_args

import typer

from kiln_cli.failures import USAGE, CommandFailed
from kiln_cli.pictures import completing, showing
from kiln_cli.pictures.arguments import TaskId, TaskIds, Timeout
from kiln_cli.pictures.command import Session, command
from kiln_cli.pictures.following import finish, prepare
from kiln_client import Conflict, NotFound, TaskStatus

STATUSES: tuple[str, ...] = get_args(TaskStatus)

Status = Annotated[
    str | None,
    typer.Option(
        "--status",
        "-s",
        metavar="STATUS",
        help="Only those that are " + ", ".join(STATUSES),
        autocompletion=lambda: list(STATUSES),
    ),
]
Limit = Annotated[int, typer.Option("--limit", "-l", metavar="N", min=1, help="How many, from the newest on")]
SaveTo = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="DIR", help="Save the images there", file_okay=False)
]
MaybeTaskId = Annotated[
    str | None,
    typer.Argument(
        metavar="ID", help="A task, to open its images", autocompletion=completing.task_ids, show_default=False
    ),
]


@command()
def watch(session: Session, task_ids: TaskIds, output: SaveTo = None, timeout: Timeout = None) -> None:
    """Watch tasks until they have ended.

    Prints the links to their images, or saves them with --output.
    """
    if output is not None:
        prepare(output)
    with session.kiln() as kiln:
        finish(session, kiln, task_ids, output=output, timeout=timeout, each=True)


@command("list")
def list_tasks(session: Session, status: Status = None, limit: Limit = 20) -> None:
    """List your tasks, newest first.

    In a pipe: id, status, when it was accepted, your own id, with tabs between.
    """
    with session.kiln() as kiln:
        filters = {"page_size": min(limit, 100)} | ({"status": _status(status)} if status else {})
        tasks = list(islice(kiln.list(**filters), limit))  # type: ignore[arg-type]
    terminal = session.terminal
    if terminal.as_json:
        terminal.document([task.answer for task in tasks])
    elif terminal.is_watched:
        terminal.show(showing.table(tasks) if tasks else "No tasks.")
    else:
        rows = (
            (task.task_id, task.task_status, task.created.isoformat(timespec="milliseconds"), task.external_task_id)
            for task in tasks
        )
        terminal.rows(rows)


@command()
def get(session: Session, task_id: TaskId) -> None:
    """Show a task: status, course, request, images.

    In a pipe: the links to its images.
    """
    terminal = session.terminal
    with session.kiln() as kiln:
        task = kiln.get(task_id)
        if terminal.as_json:
            terminal.document(task.answer)
        elif terminal.is_watched:
            terminal.show(showing.sheet(task, kiln.progress(task.task_id), kiln.request(task.task_id)))
        else:
            terminal.lines(image.url for image in task.images)


@command()
def cancel(session: Session, task_ids: TaskIds) -> None:
    """Cancel tasks that still wait for their turn."""
    with session.kiln() as kiln:
        left = []
        for task_id in task_ids:
            try:
                task = kiln.cancel(task_id)
            except (Conflict, NotFound) as refused:
                if len(task_ids) == 1:
                    raise
                # The others still wait, and would be paid for.
                left.append(f"{task_id}: {refused.message}")
                continue
            if session.terminal.as_json:
                session.terminal.document(task.answer)
            else:
                session.terminal.remark(f"{task.task_id} is cancelled")
    if left:
        raise CommandFailed("; ".join(left))


@command("open")
def open_console(session: Session, task_id: MaybeTaskId = None) -> None:
    """Open the console, or a task's images, in the browser.

    Prints the address, for where there is no browser.
    """
    connection = session.connection
    if task_id is None:
        # Whoever may list this computer's processes sees the address: only the local stack's key may stand in it.
        addresses = [f"{connection.url}/" + (f"#key={connection.key}" if connection.is_local else "")]
    else:
        with session.kiln() as kiln:
            task = kiln.get(task_id)
        addresses = [image.url for image in task.images]
        if not addresses:
            yet = "" if task.is_finished else " yet"
            raise CommandFailed(f"task {task_id} has no images{yet}: its status is {task.task_status}")
    if session.terminal.as_json:
        session.terminal.document({"addresses": addresses})
        return
    session.terminal.lines(addresses)
    if not _has_browser():
        session.terminal.remark("There is no browser here; the address works in any that reaches it.")
        return
    for address in addresses:
        webbrowser.open(address)


def _status(given: str) -> TaskStatus:
    for status in get_args(TaskStatus):
        if status == given:
            return status  # type: ignore[no-any-return]
    raise CommandFailed(f"--status: must be one of {', '.join(STATUSES)}, got {given}", USAGE)


def _has_browser() -> bool:
    if sys.platform == "linux" and not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True
