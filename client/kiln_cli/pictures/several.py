"""One change of several tasks: what a command does when some of them are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kiln_cli.failures import CommandFailed
from kiln_client import Conflict, NotFound


def change_each(task_ids: list[str], change: Callable[[str], None]) -> None:
    """Changes every task that can be changed, and fails afterwards with the refusals of the others.

    Args:
        task_ids: The tasks.
        change: Changes one of them, and says so.

    Raises:
        CommandFailed: Some were refused; the message names each.
        Conflict: The only task was refused.
        NotFound: The only task does not exist.
    """
    refusals = list(_refusals(task_ids, change))
    if refusals:
        raise CommandFailed("; ".join(refusals))


def _refusals(task_ids: list[str], change: Callable[[str], None]) -> Iterable[str]:
    for task_id in task_ids:
        try:
            change(task_id)
        except (Conflict, NotFound) as refused:
            if len(task_ids) == 1:
                raise
            # The others are changed all the same: a task that is not cancelled is paid for.
            yield f"{task_id}: {refused.message}"
