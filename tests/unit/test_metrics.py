"""The metrics: bounded dimensions, and that what happens to a task is measured once."""

from __future__ import annotations

import httpx
import pytest

from kiln import clock, metrics
from kiln.contract.vocabulary import TaskStatus
from kiln.metrics import Failure
from kiln.provider import ProviderError
from kiln.provider.client import Provider
from kiln.slots.store import Slots
from kiln.tasks import measuring
from kiln.tasks.store import TaskStore
from kiln.webhooks.delivery import DeliveryOutcome
from kiln.workflow.poll import poll
from kiln.workflow.rescue import RESTARTED, rescue
from tests.support.fakes import FakeProvider
from tests.support.samples import add_task, make_task, stored_image

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:kiln-task"


@pytest.mark.parametrize(
    ("metric", "of"),
    [(metrics.FAILED, ""), (metrics.FAILED, "boredom"), (metrics.ACCEPTED, "x"), (metrics.ACCOUNT_CLOSED, "")],
)
def test_unknown_dimension_is_refused(metric, of):
    with pytest.raises(ValueError, match=metric.name):
        metrics.record(metric, of=of)


def test_metric_names_are_unique_and_dimensions_have_values():
    assert len({metric.name for metric in metrics.ALL}) == len(metrics.ALL)
    assert set(metrics.DELIVERIES.values) == set(DeliveryOutcome)
    assert all(bool(metric.values) is (metric.dimension not in ("", "account")) for metric in metrics.ALL)


@pytest.mark.parametrize(
    ("code", "value"), [(0, "0"), (1302, "1302"), (5002, "5002"), (4711, "other"), (None, "none"), (True, "other")]
)
def test_undocumented_code_adds_no_metric(code, value):
    assert metrics.provider_code(code) == value
    assert value in metrics.PROVIDER_CALLS.values


def test_accepted_task_is_measured_once(cloud, measured):
    task = make_task(external_task_id="mine")
    for _ in range(2):
        TaskStore().add(task, retention_days=30)
        TaskStore().add(make_task("task-2"), retention_days=30)
    assert measured.of(metrics.ACCEPTED) == [1, 1]


def test_success_is_measured_once_with_its_results(cloud, measured):
    task = add_task(created_at=clock.milliseconds() - 60_000)
    TaskStore().succeed(task, [stored_image(0), stored_image(1)], "16.5")
    assert TaskStore().succeed(task, [stored_image(0)], "16.5") is None
    assert measured.of(metrics.SUCCEEDED) == [1]
    assert measured.of(metrics.IMAGES_STORED) == [2]
    assert measured.of(metrics.BYTES_STORED) == [2_000]
    assert measured.of(metrics.UNITS_DEDUCTED) == [16.5]


@pytest.mark.parametrize("units", ["", "many"])
def test_missing_units_are_not_measured(measured, units):
    measuring.succeeded(make_task(final_unit_deduction=units))
    assert measured.of(metrics.UNITS_DEDUCTED) == []


def test_every_stage_has_its_duration():
    task = make_task(
        created_at=1_000, slots_acquired_at=3_000, dispatched_at=3_500, collecting_at=33_500, updated_at=34_000
    )
    assert measuring.stage_seconds(task) == {
        "waiting": 2,
        "dispatching": 0.5,
        "generating": 30,
        "collecting": 0.5,
        "total": 33,
    }


def test_unrecorded_stage_is_left_out():
    assert measuring.stage_seconds(make_task(created_at=1_000, updated_at=34_000)) == {"total": 33}


def test_failure_is_measured_once_by_its_class(cloud, measured):
    task = add_task()
    TaskStore().fail(task, "why", Failure.REFUSED)
    assert TaskStore().fail(task, "why", Failure.FAULT) is None
    TaskStore().cancel(add_task("task-2"), "why")
    assert [of for name, _, of in measured if name == metrics.FAILED.name] == ["refused", "cancelled"]


def wakers(measured) -> list[str]:
    return [of for name, _, of in measured if name == metrics.WAKE_UPS.name]


def at_provider(provider: FakeProvider, *, attempts: int = 1) -> None:
    add_task(created_at=clock.milliseconds())
    for _ in range(attempts):
        TaskStore().begin_dispatch("task-1")
    TaskStore().dispatched(TaskStore().get("task-1"), "at-provider-1")
    provider.has("task-1", task_status=TaskStatus.SUCCEED)


@pytest.mark.parametrize(("is_called_back", "waker", "missed"), [(True, "callback", [False]), (False, "timer", [True])])
def test_finished_task_counts_as_called_back_or_found(cloud, measured, is_called_back, waker, missed):
    provider = FakeProvider()
    at_provider(provider)
    if is_called_back:
        TaskStore().request_wake_up("task-1")
    poll("task-1", provider=provider)
    assert wakers(measured) == [waker]
    assert measured.of(metrics.CALLBACKS_MISSED) == missed


def test_running_task_counts_no_missed_callback(cloud, measured):
    provider = FakeProvider()
    at_provider(provider)
    provider.has("task-1", task_status=TaskStatus.PROCESSING)
    poll("task-1", provider=provider)
    assert wakers(measured) == ["timer"]
    assert measured.of(metrics.CALLBACKS_MISSED) == []


def test_poll_after_adopting_a_task_counts_no_wake_up(cloud, measured):
    provider = FakeProvider()
    at_provider(provider, attempts=2)
    poll("task-1", provider=provider)
    poll("task-1", provider=provider)
    assert wakers(measured) == ["timer"]


def test_hand_over_measures_the_slots_held(cloud, measured):
    slots = Slots(limit=2)
    for number in range(4):
        add_task(f"task-{number}")
    assert slots.release("missing", 1) == ["task-0", "task-1"]
    assert measured.of(metrics.SLOTS_HELD) == [2]


def answering(status: int, body: object) -> Provider:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, json=body))
    return Provider(client=httpx.Client(transport=transport))


@pytest.mark.parametrize(
    ("status", "body", "code", "account_errors"),
    [
        (200, {"code": 0, "data": {"task_id": "1", "task_status": "submitted"}}, "0", []),
        (429, {"code": 1302, "message": "slow down"}, "1302", []),
        (429, {"code": 1101, "message": "in arrears"}, "1101", [1]),
        (500, {"code": 4711, "message": "?"}, "other", []),
        (502, ["no object"], "none", []),
    ],
)
def test_every_provider_call_is_timed_by_its_answer(cloud, measured, status, body, code, account_errors):
    provider = answering(status, body)
    if code == "0":
        provider.query("1")
    else:
        with pytest.raises(ProviderError):
            provider.query("1")
    calls = [(value, of) for name, value, of in measured if name == metrics.PROVIDER_CALLS.name]
    assert [of for _, of in calls] == [code]
    assert all(value >= 0 for value, _ in calls)
    assert measured.of(metrics.ACCOUNT_ERRORS) == account_errors


def test_workflow_restarted_on_purpose_is_not_counted_as_a_rescue(cloud, executions, measured, monkeypatch):
    add_task("ab")
    rescue(MACHINE, "ab_1", "FAILED", "{}")
    assert measured.of(metrics.RESCUED) == [1]
    monkeypatch.setattr(executions, "describe_execution", lambda **_: {"error": RESTARTED}, raising=False)
    rescue(MACHINE, "ab_1", "ABORTED", "{}")
    assert measured.of(metrics.RESCUED) == [1]
