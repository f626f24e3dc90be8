"""``kiln delete``: deletes tasks that have ended, with their images."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from kiln_cli.failures import USAGE, CommandFailed
from kiln_cli.pictures.arguments import TaskIds
from kiln_cli.pictures.session import Session
from kiln_cli.pictures.several import change_each


def delete(
    session: Session,
    task_ids: TaskIds,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask")] = False,
) -> None:
    """Delete tasks that have ended, with their images, for good."""
    if not yes and not sys.stdin.isatty():
        raise CommandFailed("--yes is required when there is no terminal to ask on; nothing was deleted", USAGE)
    named = task_ids[0] if len(task_ids) == 1 else f"{len(task_ids)} tasks"
    if not yes and not typer.confirm(f"Delete {named} with images, inputs and prompt, for good?", err=True):
        raise CommandFailed("nothing was deleted")

    def delete_one(task_id: str) -> None:
        kiln.delete(task_id)
        if session.terminal.as_json:
            session.terminal.document({"id": task_id, "deleted": True})
        else:
            session.terminal.remark(f"Task {task_id} is deleted.")

    with session.kiln() as kiln:
        change_each(task_ids, delete_one)
