"""``kiln cancel``: cancels tasks in the queue."""

from __future__ import annotations

from kiln_cli.failures import CommandFailed
from kiln_cli.pictures.arguments import TaskIds
from kiln_cli.pictures.session import Session
from kiln_client import Conflict, NotFound


def cancel(session: Session, task_ids: TaskIds) -> None:
    """Cancel tasks that wait in the queue."""
    refusals = []
    with session.kiln() as kiln:
        for task_id in task_ids:
            try:
                task = kiln.cancel(task_id)
            except (Conflict, NotFound) as refused:
                if len(task_ids) == 1:
                    raise
                # The other tasks still wait, and would be paid for.
                refusals.append(f"{task_id}: {refused.message}")
                continue
            if session.terminal.as_json:
                session.terminal.document(task.answer)
            else:
                session.terminal.remark(f"Task {task.task_id} is cancelled.")
    if refusals:
        raise CommandFailed("; ".join(refusals))
