"""Several provider accounts for tests: their secret, their tasks, and dispatching them as the workflow does."""

from __future__ import annotations

from typing import Any

from kiln import clock, secrets
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task
from kiln.workflow.dispatch import dispatch as dispatch_step
from kiln.workflow.outcomes import Outcome
from tests.support.account import put_secret
from tests.support.fakes import FakeProvider
from tests.support.samples import add_task


def put_accounts(**slots: Any) -> None:
    """Replaces the accounts in the provider's secret: their names with their slots, or with a whole entry."""
    entries = [{"name": name, "api_key": f"sk-{name}", **_entry(given)} for name, given in slots.items()]
    put_secret("kiln-provider", {"accounts": entries})
    secrets.forget()


def _entry(given: Any) -> dict[str, Any]:
    return given if isinstance(given, dict) and "slots" in given else {"slots": given}


def accept(*task_ids: str, **changes: Any) -> None:
    """Puts tasks into the queue, in this order."""
    for number, task_id in enumerate(task_ids):
        add_task(task_id, created_at=clock.milliseconds(), turn=number + 1, **changes)


def stored(task_id: str = "t") -> Task:
    """A task as it is in the table."""
    return TaskStore().get(task_id)


def created(providers: dict[str, FakeProvider]) -> dict[str, int]:
    """How many tasks each account has generated."""
    return {name: len(each.created) for name, each in providers.items() if each.created}


def run(task_id: str = "t", *, steps: int = 6) -> Outcome:
    """Dispatches as the workflow does, until the provider has the task or it sleeps."""
    for _ in range(steps):
        outcome = dispatch_step(task_id).outcome
        if outcome is not Outcome.AGAIN:
            return outcome
    return outcome
