"""``kiln callers erase``: deletes every task of a caller, page by page. Run again, it continues where it stopped."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from kiln_cli.failures import CommandFailed
from kiln_cli.operating import operations
from kiln_cli.operating.callers import Name
from kiln_cli.operating.operations import OperationRefused, operate
from kiln_cli.operating.session import OperatorSession

_REASON = "Cancelled by the operator, who erases the caller's tasks"
_NAMED = 10
_IDLE_ROUNDS = 5
_IDLE_SECONDS = 1.0


def erase(
    session: OperatorSession,
    name: Name,
    cancel: Annotated[bool, typer.Option("--cancel", help="First cancel the tasks that wait in the queue")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count the tasks and delete nothing")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask")] = False,
) -> None:
    """Delete every task of a caller for good, with images, inputs and links. Ids, times and units stay."""
    installation = session.installation
    found = operations.erase(installation, name, dry_run=True)
    waiting, running = found["waiting"], found["running"]
    count = found["left"] + len(waiting) + len(running)
    if dry_run:
        counted = {"name": name, "tasks": count, "waiting": waiting, "running": running}
        unfinished = f"; not ended: {_unfinished(waiting, running)}" if waiting or running else ""
        session.answer(counted, f"{name} has {_tasks(count)}{unfinished}")
        return
    if running or (waiting and not cancel):
        advice = "wait for their end" + ("" if cancel or not waiting else ", or cancel those that wait with --cancel")
        unfinished = _unfinished(waiting, running)
        raise CommandFailed(f"{name} has tasks that have not ended: {unfinished}; {advice}; nothing was deleted")
    if not count:
        session.answer({"name": name, "deleted": 0}, f"{name} has no tasks")
        return
    question = f"Delete {_tasks(count)} of {name} from {installation.name} for good, with their images?"
    session.confirm(question, yes=yes, kept="nothing was deleted")
    for task_id in waiting:
        try:
            operate(installation, "fail", task_id=task_id, reason=_REASON)
        except OperationRefused:
            continue  # It has ended by itself.
    deleted = _delete_all(session, name)
    session.answer({"name": name, "deleted": deleted}, f"{_tasks(deleted)} of {name} deleted")


def _delete_all(session: OperatorSession, name: str) -> int:
    deleted, idle = 0, 0
    while idle < _IDLE_ROUNDS:
        done = operations.erase(session.installation, name)
        deleted += int(done["deleted"])
        if not done["left"]:
            if done["waiting"] or done["running"]:
                unfinished = _unfinished(done["waiting"], done["running"])
                raise CommandFailed(
                    f"{_tasks(deleted)} of {name} deleted; these have not ended: {unfinished}; "
                    f"to stop new ones, run kiln callers revoke {name}"
                )
            return deleted
        if done["deleted"]:
            idle = 0
            session.terminal.remark(f"{deleted:,} deleted, {done['left']:,} left …")
        else:
            # The index still lists tasks that were deleted a moment ago.
            idle += 1
            time.sleep(_IDLE_SECONDS)
    raise CommandFailed(f"{_tasks(deleted)} of {name} deleted, {done['left']:,} left; run the command again")


def _unfinished(waiting: list[str], running: list[str]) -> str:
    parts = (("waiting", waiting), ("running", running))
    return ", ".join(f"{len(ids)} {what} ({_some(ids)})" for what, ids in parts if ids)


def _some(ids: list[str]) -> str:
    return ", ".join([*ids[:_NAMED], *(["…"] if len(ids) > _NAMED else [])])


def _tasks(count: int) -> str:
    return f"{count:,} {'task' if count == 1 else 'tasks'}"
