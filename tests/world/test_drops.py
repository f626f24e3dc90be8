"""The table of drops, against the handler and an in-process AWS; tests/integration has the rows end to end."""

from __future__ import annotations

import pytest

from kiln.tasks.store import TaskStore
from tests.unit.conftest import _environment, _furnished, _no_sockets, accepted, cloud, inbox, measured  # noqa: F401
from tests.world.drops import ROWS, Row


@pytest.mark.parametrize("order", ["as listed", "reversed"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_drop_has_its_outcome(inbox, accepted, row: Row, order: str):  # noqa: F811
    for name in list(row.files) if order == "as listed" else reversed(row.files):
        inbox.drop(f"f/{name}", row.files[name])
    inbox.deliver()
    answer = inbox.result("f")
    assert len(accepted) == row.tasks, answer
    assert (answer is not None) == bool(row.says), answer
    if answer:
        assert row.says in answer["message"]
        assert answer["code"] != 0
    for task_id in accepted:
        task = TaskStore().get(task_id)
        assert {name: getattr(task, name) for name in row.fields} == row.fields
