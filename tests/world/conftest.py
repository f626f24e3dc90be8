"""One stack for the tables of the world. Every row's task runs at once; its prompt chooses the provider's oddity."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from tests.integration.client import TERMINAL, Client, JsonObject, wait_until
from tests.integration.conftest import CALLERS, running
from tests.integration.driver import Deployment
from tests.world.rows import ROWS

Test = TypeVar("Test", bound=Callable[..., None])

PATIENCE_S = 1_200

PARAMETERS = {
    "PollAfterSeconds": "1",
    # Few slots need few processes of each function; starting them is most of this ring's time.
    "ProviderSlots": "3",
    "GenerationDeadlineSeconds": "15",
    # A failure that lasts is tried again for a 24th of it, 25 s: two tries of a busy computer are sooner.
    "CollectDeadlineSeconds": "600",
}
FAULTS = {"task_seconds": 0.3}


@pytest.fixture(scope="session")
def kiln(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The deployed template."""
    with (
        running(tmp_path_factory.mktemp("stack"), PARAMETERS) as stack,
        contextlib.closing(Deployment(stack)) as deployed,
    ):
        yield deployed


@pytest.fixture(scope="session")
def client(kiln: Deployment) -> Iterator[Client]:
    """The caller of all tasks."""
    with contextlib.closing(Client(kiln.here["api_url"], CALLERS[0])) as made:
        yield made


@pytest.fixture(scope="session")
def crowd(request: pytest.FixtureRequest, kiln: Deployment, client: Client) -> dict[str, str]:
    """The id of each row's task, by the row's name, for the rows of this run; all of them run at once."""
    chosen = {item.callspec.id for item in request.session.items if hasattr(item, "callspec")}
    named = {name for item in request.session.items for name in getattr(item.obj, "rows", ())}  # type: ignore[attr-defined]
    rows = [row for row in ROWS if row.name in chosen | named]
    # Some failures last until a deadline, while the other tasks run.
    rows.sort(key=lambda row: row.status != "failed")
    kiln.set_faults(**FAULTS, answers_by_prompt={row.name: row.answers for row in rows})
    # Each function has started once before the crowd comes, and its requests come one by one: a call that finds no idle
    # process starts another, and fifty of Dispatch would take a minute.
    client.wait_for(client.create())
    return {row.name: client.create(prompt=row.name, n=row.n, **row.request) for row in rows}


def ended(client: Client, task_id: str) -> JsonObject:
    """A task of the crowd once it has ended; the whole crowd shares nine slots and perhaps a busy computer."""

    def read() -> JsonObject | None:
        task = client.get(task_id)
        return task if task["task_status"] in TERMINAL else None

    return wait_until(read, f"task {task_id} has ended", timeout=PATIENCE_S)


def about(*names: str) -> Callable[[Test], Test]:
    """Marks a test that looks at the tasks of these rows besides the table's own test."""

    def mark(test: Test) -> Test:
        test.rows = names  # type: ignore[attr-defined]
        return test

    return mark
