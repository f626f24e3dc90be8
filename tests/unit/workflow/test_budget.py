"""The event of a nearly used budget: once a month and caller, until the bus has it."""

from __future__ import annotations

from typing import Any

import pytest

from kiln import aws, events
from kiln.tasks.store import TaskStore
from kiln.tasks.usage_items import usage_key
from kiln.workflow.budget import NEARLY_USED
from tests.support.functions import invoke, sample
from tests.support.samples import add_task, stored_image

pytestmark = pytest.mark.usefixtures("cloud")

NOVEMBER = 1_795_371_174_879


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiln.clock.milliseconds", lambda: NOVEMBER)


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The entries that the bus has taken."""
    taken: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(events, "publish", lambda kind, detail: taken.append((kind, detail.model_dump(mode="json"))))
    return taken


def end(task_id: str, units: str) -> None:
    TaskStore().succeed(add_task(task_id, units_per_month=100), [stored_image()], units)


def report_usage() -> Any:
    """Has the stream report the item of usage as it is now."""
    item = aws.dynamodb().get_item(TableName="kiln-table", Key=usage_key("ada", "2026-11"))["Item"]
    event = sample("table-batch-task-ended")
    event["Records"][0]["dynamodb"] |= {"NewImage": item, "SequenceNumber": "7"}
    return invoke("batch", event)


def test_nearly_used_budget_is_published_once(published):
    end("task-1", "79")
    report_usage()
    assert published == []
    end("task-2", "3")
    for _ in range(2):
        assert report_usage() == {"batchItemFailures": []}
    end("task-3", "8")
    report_usage()
    [(detail_type, detail)] = published
    assert detail_type == NEARLY_USED == "Image Budget Nearly Used"
    assert (detail["metadata"]["caller"], detail["metadata"]["occurred_at"]) == ("ada", NOVEMBER)
    assert detail["data"] == {
        "month": "2026-11",
        "units_per_month": 100,
        "units": "82",
        "nearly_used_at": NOVEMBER,
    }


def test_event_that_the_bus_refuses_comes_again(monkeypatch, published):
    end("task-1", "90")

    def refuses(*_: Any) -> None:
        raise events.BusRefused

    with monkeypatch.context() as patch:
        patch.setattr(events, "publish", refuses)
        with pytest.raises(Exception, match="records failed"):
            report_usage()
    report_usage()
    assert len(published) == 1
