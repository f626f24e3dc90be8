"""The command that saves images of tasks that have ended."""

from __future__ import annotations

from pathlib import Path

from kiln_cli.pictures.arguments import Output, TaskIds
from kiln_cli.pictures.command import Session, command
from kiln_cli.pictures.following import tell


@command()
def save(session: Session, task_ids: TaskIds, output: Output = Path()) -> None:
    """Save the images of ended tasks and print their paths."""
    with session.kiln() as kiln:
        for task_id in task_ids:
            task = kiln.get(task_id)
            tell(session, task, kiln.save(task, output))
