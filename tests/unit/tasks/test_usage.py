"""Usage: counted once with a task's end, per caller and day, whatever the retries."""

from __future__ import annotations

import datetime as dt

import pytest

from kiln.contract.usage import UsageQuery
from kiln.errors import InvalidRequest
from kiln.tasks.store import TaskStore
from kiln.tasks.usage import Usage
from kiln.tasks.usage_items import units_of
from tests.support.samples import add_task, stored_image

FIRST = dt.date(2026, 11, 1)
DAY = dt.date(2026, 11, 28)


@pytest.fixture
def store(cloud) -> TaskStore:
    return TaskStore()


@pytest.fixture(autouse=True)
def now(monkeypatch):
    def at(day: str) -> None:
        moment = dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC)
        monkeypatch.setattr("kiln.clock.milliseconds", lambda: int(moment.timestamp() * 1000))

    at("2026-11-28T23:59:59")
    return at


def counts(caller: str = "ada", first: dt.date = FIRST, last: dt.date = DAY):
    row = Usage().total(caller, first, last)
    return row.units, row.images, row.tasks, row.failures


def test_succeeded_task_counts_its_units_and_images(store):
    store.succeed(add_task(), [stored_image(), stored_image(1)], "16.5")
    assert counts() == ("16.5", 2, 1, 0)


def test_failed_task_counts_as_a_failure_without_units(store):
    store.fail(add_task(), "why")
    assert counts() == ("0", 0, 1, 1)


def test_cancelled_task_counts_as_a_failure(store):
    store.cancel(add_task(), "why")
    assert counts() == ("0", 0, 1, 1)


def test_second_end_of_a_task_counts_nothing(store):
    task = add_task()
    assert store.succeed(task, [stored_image()], "8") is not None
    assert store.succeed(task, [stored_image()], "8") is None
    assert store.fail(task, "late") is None
    assert counts() == ("8", 1, 1, 0)


def test_refused_cancel_counts_nothing(store):
    task = add_task()
    store.begin_dispatch(task.task_id)
    assert store.cancel(task, "why") is None
    assert counts() == ("0", 0, 0, 0)


def test_each_caller_has_its_own_usage(store):
    store.succeed(add_task("a"), [stored_image()], "8")
    store.succeed(add_task("b", caller="bob"), [stored_image()], "16")
    assert (counts("ada")[0], counts("bob")[0]) == ("8", "16")


def test_days_without_an_end_have_no_row_and_months_are_joined(store, now):
    for number, moment in enumerate(["2026-10-31T23:59:59", "2026-11-01T00:00:00", "2026-11-28T12:00:00"]):
        now(moment)
        store.succeed(add_task(f"t{number}"), [stored_image()], "8")
    rows = Usage().by_day("ada", dt.date(2026, 10, 1), DAY)
    assert [str(row.day) for row in rows] == ["2026-10-31", "2026-11-01", "2026-11-28"]
    assert counts()[0] == "16"


@pytest.mark.parametrize("charged", ["", "free", "NaN", "-1", "Infinity", "1e30"])
def test_charge_that_is_no_sensible_number_counts_as_zero(store, charged):
    assert units_of(charged) == 0
    assert store.succeed(add_task(), [stored_image()], charged) is not None


@pytest.fixture
def writes(store, monkeypatch) -> list[bool]:
    """Each transaction of the store: whether it records that the budget is nearly used."""
    made: list[bool] = []
    write = store._client.transact_write_items

    def writing(**request):
        made.append("nearly_used_at = :now" in request["TransactItems"][1]["Update"]["UpdateExpression"])
        return write(**request)

    monkeypatch.setattr(store._client, "transact_write_items", writing)
    return made


def end(store: TaskStore, task_id: str, units: str, budget: int = 100) -> None:
    store.succeed(add_task(task_id, units_per_month=budget), [stored_image()], units)


def test_task_that_uses_80_percent_of_a_budget_records_it_once(store, writes):
    for number, units in enumerate(["79.5", "0.5", "8", "8"]):
        end(store, f"task-{number}", units)
        recorded = Usage().nearly_used("ada", "2026-11")
        assert (recorded is not None) == (number > 0)
    assert writes == [False, False, True, False, False]
    assert counts() == ("96", 4, 4, 0)
    assert recorded is not None
    assert (recorded.month, recorded.units_per_month, recorded.units) == ("2026-11", 100, "96")


def test_first_task_of_a_month_may_use_the_whole_budget(store, writes):
    end(store, "task-1", "100")
    assert writes == [False, True]
    assert counts() == ("100", 1, 1, 0)


def test_next_month_records_its_own_budget(store, now):
    end(store, "task-1", "80")
    now("2026-12-01T00:00:00")
    end(store, "task-2", "79")
    assert Usage().nearly_used("ada", "2026-12") is None
    end(store, "task-3", "1")
    assert Usage().nearly_used("ada", "2026-12") is not None


def test_task_without_a_budget_is_written_once(store, writes):
    end(store, "task-1", "10000", budget=0)
    assert writes == [False]
    assert Usage().nearly_used("ada", "2026-11") is None


def test_task_that_another_one_was_faster_than_is_counted_without_recording(store, monkeypatch):
    refusal = cancelled(store, "None", "ConditionalCheckFailed")
    refuse_writes(store, monkeypatch, "transact_write_items", refusal, refusal)
    end(store, "task-1", "8")
    assert counts() == ("8", 1, 1, 0)
    assert Usage().nearly_used("ada", "2026-11") is None


def refuse_writes(store, monkeypatch, operation: str, *refusals: Exception) -> None:
    write, left = getattr(store._client, operation), list(refusals)

    def refused(**request):
        if left:
            raise left.pop(0)
        return write(**request)

    monkeypatch.setattr(store._client, operation, refused)
    monkeypatch.setattr("time.sleep", lambda _: None)


def cancelled(store: TaskStore, *codes: str) -> Exception:
    answer = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": [{"Code": c} for c in codes]}
    return store._client.exceptions.TransactionCanceledException(answer, "TransactWriteItems")


def test_conflicting_transaction_is_tried_again(store, monkeypatch):
    refuse_writes(store, monkeypatch, "transact_write_items", *[cancelled(store, "TransactionConflict", "None")] * 3)
    assert store.succeed(add_task(), [stored_image()], "8") is not None
    assert counts() == ("8", 1, 1, 0)


def test_transaction_that_conflicts_with_a_task_that_has_ended_counts_nothing(store, monkeypatch):
    refuse_writes(
        store, monkeypatch, "transact_write_items", cancelled(store, "ConditionalCheckFailed", "TransactionConflict")
    )
    assert store.succeed(add_task(), [stored_image()], "8") is None
    assert counts() == ("0", 0, 0, 0)


@pytest.mark.parametrize(
    "write",
    [
        lambda store: store.begin_poll("task-1"),
        lambda store: store.begin_dispatch("task-1"),
        lambda store: store.request_wake_up("task-1"),
        lambda store: store.dispatched(store.get("task-1"), "provider-1"),
        lambda store: store.process(store.get("task-1")),
    ],
    ids=["poll", "dispatch", "wake-up", "dispatched", "process"],
)
def test_update_that_meets_the_ending_transaction_is_tried_again(store, monkeypatch, write):
    add_task()
    conflict = store._client.exceptions.TransactionConflictException(
        {"Error": {"Code": "TransactionConflictException"}}, "UpdateItem"
    )
    refuse_writes(store, monkeypatch, "update_item", conflict, conflict)
    write(store)
    refuse_writes(store, monkeypatch, "update_item", *[conflict] * 6)
    with pytest.raises(type(conflict)):
        write(store)


def test_default_days_are_this_month_until_today():
    assert UsageQuery.parse({}).days(DAY) == (dt.date(2026, 11, 1), DAY)


@pytest.mark.parametrize(
    "asked", [{"from": "2026-11-02", "to": "2026-11-01"}, {"from": "2024-01-01"}, {"from": "now"}, {"by": "hour"}]
)
def test_impossible_days_are_refused(asked):
    with pytest.raises(InvalidRequest):
        UsageQuery.parse(asked).days(DAY)
