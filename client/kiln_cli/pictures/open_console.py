"""``kiln open``: opens the console or a task's images in the browser."""

from __future__ import annotations

import os
import sys
import webbrowser
from typing import Annotated

import typer

from kiln_cli.failures import CommandFailed
from kiln_cli.pictures import completion
from kiln_cli.pictures.session import Session

MaybeTaskId = Annotated[
    str | None,
    typer.Argument(
        metavar="ID", help="A task, to open its images", autocompletion=completion.task_ids, show_default=False
    ),
]

Web = Annotated[bool, typer.Option("--web", help="Open the task in the console, in the browser", show_default=False)]


def open_task(session: Session, task_id: str) -> None:
    """Opens a task in the console. Prints its address on stderr, for a computer without a browser."""
    connection = session.connection
    key = f"key={connection.key}&" if connection.is_local else ""
    address = f"{connection.url}/#{key}task={task_id}"
    session.terminal.remark(f"In the console: {address}")
    if _has_browser():
        webbrowser.open(address)


def open_console(session: Session, task_id: MaybeTaskId = None) -> None:
    """Open the console, or a task's images, in the browser.

    Prints the address too, for a computer without a browser.
    """
    addresses = [_console(session)] if task_id is None else _images(session, task_id)
    if session.terminal.as_json:
        session.terminal.document({"addresses": addresses})
        return
    session.terminal.lines(addresses)
    if not _has_browser():
        session.terminal.remark("No browser found. Open the address in a browser that can reach it.")
        return
    for address in addresses:
        webbrowser.open(address)


def _console(session: Session) -> str:
    connection = session.connection
    # Other users can see the address in the list of processes: it may contain only the local stack's key.
    return f"{connection.url}/" + (f"#key={connection.key}" if connection.is_local else "")


def _images(session: Session, task_id: str) -> list[str]:
    with session.kiln() as kiln:
        task = kiln.get(task_id)
    if not task.images:
        yet = "" if task.is_finished else " yet"
        raise CommandFailed(f"task {task_id} has no images{yet}: its status is {task.task_status}")
    return [image.url for image in task.images]


def _has_browser() -> bool:
    if sys.platform == "linux" and not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True
