"""``kiln cancel``: cancels tasks in the queue."""

from __future__ import annotations

from kiln_cli.pictures.arguments import TaskIds
from kiln_cli.pictures.session import Session
from kiln_cli.pictures.several import change_each


def cancel(session: Session, task_ids: TaskIds) -> None:
    """Cancel tasks that wait in the queue."""

    def cancel_one(task_id: str) -> None:
        task = kiln.cancel(task_id)
        if session.terminal.as_json:
            session.terminal.document(task.answer)
        else:
            session.terminal.remark(f"Task {task.task_id} is cancelled.")

    with session.kiln() as kiln:
        change_each(task_ids, cancel_one)
