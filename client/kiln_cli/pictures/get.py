"""``kiln get``: shows one task."""

from __future__ import annotations

from kiln_cli.pictures import tables
from kiln_cli.pictures.arguments import TaskId
from kiln_cli.pictures.open_console import Web, open_task
from kiln_cli.pictures.session import Session


def get(session: Session, task_id: TaskId, web: Web = False) -> None:
    """Show a task: status, timeline, request, images.

    Prints only the links to its images in a pipe.
    """
    terminal = session.terminal
    with session.kiln() as kiln:
        task = kiln.get(task_id)
        if web:
            open_task(session, task.task_id)
        if terminal.as_json:
            terminal.document(task.answer)
        elif terminal.is_watched:
            terminal.show(tables.details(task, kiln.progress(task.task_id), kiln.request(task.task_id)))
        else:
            terminal.lines(image.url for image in task.images)
