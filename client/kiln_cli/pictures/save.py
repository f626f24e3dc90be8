"""``kiln save``: saves the images of ended tasks."""

from __future__ import annotations

from pathlib import Path

from kiln_cli.pictures.arguments import Output, TaskIds
from kiln_cli.pictures.follow import print_result
from kiln_cli.pictures.session import Session


def save(session: Session, task_ids: TaskIds, output: Output = Path()) -> None:
    """Save the images of ended tasks and print their paths."""
    with session.kiln() as kiln:
        for task_id in task_ids:
            task = kiln.get(task_id)
            print_result(session, task, kiln.save(task, output))
