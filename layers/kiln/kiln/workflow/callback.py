"""The bell of a task: what the provider's webhook may do, and no more."""

from __future__ import annotations

from kiln.auth import signatures
from kiln.errors import ResourceNotFound, TaskNotFound
from kiln.waking import wake
from kiln.workflow.dispatch import CALLBACK_PURPOSE


def ring_for(task_id: str, token: str) -> bool:
    """Wakes a task's workflow on behalf of whoever holds its callback URL.

    Returns:
        Whether a parked workflow was woken.

    Raises:
        ResourceNotFound: The token is not this task's, or the task is no longer kept: no difference can be told.
    """
    if not signatures.is_token(token, CALLBACK_PURPOSE, task_id):
        raise ResourceNotFound("no such callback")
    try:
        return wake(task_id)
    except TaskNotFound:
        raise ResourceNotFound("no such callback") from None
