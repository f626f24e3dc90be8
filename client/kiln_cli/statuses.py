"""The option ``--callback-statuses``: which changes of status a webhook URL is notified of."""

from __future__ import annotations

from typing import cast, get_args

from kiln_cli.failures import USAGE, CommandFailed
from kiln_client import TaskStatus

STATUSES: tuple[str, ...] = get_args(TaskStatus)


def read_statuses(given: str | None) -> list[TaskStatus] | None:
    """Reads statuses with commas between; ``None`` without the option.

    Raises:
        CommandFailed: One is no status, or there is none.
    """
    if given is None:
        return None
    statuses = [each.strip() for each in given.split(",") if each.strip()]
    if not statuses or not set(statuses) <= set(STATUSES):
        raise CommandFailed(f"--callback-statuses: must be some of {','.join(STATUSES)}, got {given}", USAGE)
    return cast("list[TaskStatus]", statuses)
