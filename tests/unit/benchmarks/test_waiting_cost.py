"""The cost of waiting: the model's run of the reconciler uses what a real run uses."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from botocore.client import BaseClient

from benchmarks.data import recorded_calls
from benchmarks.modelling.cost.waiting import FIXED_CALLS, INDEX_ENTRY, reconciler_run
from benchmarks.modelling.dynamodb_units import indexes_of
from kiln import aws
from kiln.slots.store import Slots
from kiln.tasks import items
from kiln.workflow.reconcile import CHECKED_AT_ONCE, reconcile
from tests.support.fakes import StepFunctions
from tests.support.samples import add_task

WAITING = 60


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch, cloud: Any) -> Counter[str]:
    """Counts the requests to AWS, by operation."""
    made: Counter[str] = Counter()
    make = BaseClient._make_api_call

    def make_api_call(self: Any, operation: str, parameters: Any) -> Any:
        made[operation] += 1
        return make(self, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", make_api_call)
    return made


def test_reconciler_makes_no_more_requests_than_the_model(requests: Counter[str], executions: StepFunctions) -> None:
    for number in range(WAITING):
        task_id = f"{number:032x}"
        add_task(task_id, run_id=f"{task_id}_1")
        executions.started[f"{task_id}_1"] = {"task_id": task_id}
    Slots().pause()
    requests.clear()
    assert reconcile().checked == CHECKED_AT_ONCE
    # Step Functions is played here: each check describes one execution.
    made = sum(requests.values()) + CHECKED_AT_ONCE
    run = reconciler_run(WAITING, recorded_calls.read())
    assert made <= run.work["Reconcile"].aws_calls
    assert run.work["Reconcile"].aws_calls - made < FIXED_CALLS / 2


def test_index_entry_of_the_model_has_the_attributes_of_the_index(cloud: Any) -> None:
    add_task()
    item = aws.dynamodb().get_item(TableName="kiln-table", Key=items.task_key("task-1"))["Item"]
    indexes = indexes_of(aws.dynamodb().describe_table(TableName="kiln-table")["Table"])
    (by_turn,) = [index for index in indexes if index.name == items.BY_TURN]
    assert set(INDEX_ENTRY) == set(by_turn.entry(item) or {})
