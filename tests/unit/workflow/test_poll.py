"""Poll: the outcome of each answer of the provider, the order of wake-up and question, and every deadline."""

from __future__ import annotations

import pytest

from kiln import aws, metrics
from kiln.contract import TaskStatus
from kiln.provider import ProviderError, Verdict
from kiln.slots.store import Slots
from kiln.tasks.items import SLOTS_KEY
from kiln.tasks.store import TaskStore
from kiln.workflow.outcomes import Outcome
from kiln.workflow.poll import MANY_POLLS, poll
from tests.support.clock import set_age
from tests.support.fakes import FakeProvider
from tests.support.samples import add_task
from tests.support.workflow import park

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider()


def running(seconds: float = 1, **changes):
    """A task that the provider has had for so long."""
    task = add_task(**changes)
    store = TaskStore()
    store.begin_dispatch("task-1")
    store.dispatched(task, "at-provider-1")
    set_age(dispatched_at=seconds)


def stored():
    return TaskStore().get("task-1")


def test_poll_uses_the_providers_id(provider):
    running()
    provider.has("task-1")
    assert poll("task-1", provider=provider).outcome is Outcome.RUNNING
    assert provider.queried == ["at-provider-1"]


def test_poll_without_the_providers_id_uses_kilns(provider):
    add_task(run_id="task-1_1")
    provider.has("task-1_1")
    poll("task-1", provider=provider)
    assert provider.queried == ["task-1_1"]


def test_processing_is_published_once(provider):
    running()
    provider.has("task-1", task_status="processing")
    first = poll("task-1", provider=provider)
    assert first.outcome is Outcome.PROCESSING
    assert first.event is not None
    assert first.event.detail_type == "Image Task Processing"
    assert stored().task_status is TaskStatus.PROCESSING
    second = poll("task-1", processing_published=True, provider=provider)
    assert (second.outcome, second.event) == (Outcome.RUNNING, None)


def test_step_repeated_after_its_write_returns_the_event(provider):
    running()
    provider.has("task-1", task_status="processing")
    first = poll("task-1", provider=provider)
    again = poll("task-1", provider=provider)
    assert again.outcome is Outcome.PROCESSING
    assert again.event == first.event


def test_succeed_means_generated_and_not_terminal(provider):
    running()
    provider.has("task-1", task_status="succeed")
    assert poll("task-1", provider=provider).outcome is Outcome.GENERATED
    assert stored().task_status is TaskStatus.SUBMITTED


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Failure to pass the risk control system", "Failure to pass the risk control system"),
        ("", "The provider failed the task without a reason"),
    ],
)
def test_failed_ends_the_task_with_the_providers_reason(provider, said, kept):
    running()
    provider.has("task-1", task_status="failed", task_status_msg=said)
    assert poll("task-1", provider=provider).outcome is Outcome.ENDED
    assert (stored().task_status, stored().task_status_msg) == (TaskStatus.FAILED, kept)


def test_wake_up_requested_during_a_poll_is_kept(provider):
    running()
    TaskStore().request_wake_up("task-1")

    class RungMeanwhile(FakeProvider):
        def query(self, either_id, external_task_id=""):
            assert stored().wake_requested_at is None
            TaskStore().request_wake_up("task-1")
            return super().query(either_id, external_task_id)

    meanwhile = RungMeanwhile(tasks={"task-1": {"task_id": "at-provider-1", "task_status": "submitted"}})
    poll("task-1", provider=meanwhile)
    assert stored().wake_requested_at is not None


@pytest.mark.parametrize("verdict", [Verdict.RETRY, Verdict.WAIT, Verdict.ACCOUNT])
def test_missing_answer_is_asked_for_again_soon(provider, verdict):
    running()
    provider.query_errors = [ProviderError(verdict, "no answer")]
    result = poll("task-1", provider=provider)
    assert (result.outcome, result.reason) == (Outcome.AGAIN, "its last answer was: no answer")
    assert 1 <= result.wait <= 2
    assert not stored().task_status.is_terminal


def test_refused_query_keeps_the_task_running(provider):
    running()
    provider.query_errors = [ProviderError(Verdict.PERMANENT, "not this one")]
    assert poll("task-1", provider=provider).outcome is Outcome.RUNNING
    assert not stored().task_status.is_terminal


@pytest.mark.parametrize(("seconds", "outcome"), [(299, Outcome.RUNNING), (302, Outcome.ENDED)])
def test_task_unknown_to_the_provider_is_retried_for_five_minutes(provider, seconds, outcome):
    running(seconds)
    assert poll("task-1", provider=provider).outcome is outcome
    if outcome is Outcome.ENDED:
        assert stored().task_status_msg.startswith("The provider no longer knows the task: Task not found")


@pytest.mark.parametrize("status", ["submitted", "processing"])
def test_unfinished_task_fails_at_the_deadline(provider, status, monkeypatch):
    monkeypatch.setenv("GENERATION_DEADLINE_SECONDS", "60")
    running(61)
    provider.has("task-1", task_status=status)
    assert poll("task-1", provider=provider).outcome is Outcome.ENDED
    assert stored().task_status_msg == (
        f"The provider did not finish the task within 60 s; its last status there was {status}"
    )


def test_an_unknown_status_is_asked_for_again_and_measured_and_seen_by_the_caller(provider, monkeypatch):
    running()
    measured = []
    monkeypatch.setattr(metrics, "_publish", lambda metric, value, _: measured.append((metric.name, value)))
    provider.has("task-1", task_status="warming_up")
    result = poll("task-1", provider=provider)
    assert result.outcome is Outcome.RUNNING
    assert result.reason == stored().refusal == "its last status there, 'warming_up', is none that Kiln knows"
    assert ("ProviderUnknownStatuses", 1) in measured


def test_an_unknown_status_is_asked_for_within_the_time_for_generating(provider, monkeypatch):
    monkeypatch.setenv("GENERATION_DEADLINE_SECONDS", "60")
    running(61)
    provider.has("task-1", task_status="warming_up")
    assert poll("task-1", provider=provider).outcome is Outcome.ENDED
    assert stored().task_status_msg == (
        "The provider did not finish the task within 60 s; its last status there, 'warming_up', is none that Kiln knows"
    )


def test_a_404_with_an_unknown_code_does_not_fail_a_paid_task(provider):
    running(3_600)
    provider.query_errors = [ProviderError(Verdict.MISSING, "page not found", 4242)]
    result = poll("task-1", provider=provider)
    assert (result.outcome, result.reason) == (Outcome.RUNNING, "its last answer was: page not found (code 4242)")
    provider.has("task-1", task_status="succeed")
    assert poll("task-1", provider=provider).outcome is Outcome.GENERATED


def test_a_provider_that_cannot_be_asked_for_a_day_fails_the_task(provider, monkeypatch):
    monkeypatch.setenv("GENERATION_DEADLINE_SECONDS", "30")
    monkeypatch.setenv("COLLECT_DEADLINE_SECONDS", "60")
    running(61)
    provider.query_errors = [ProviderError(Verdict.RETRY, "no answer")]
    assert poll("task-1", provider=provider).outcome is Outcome.ENDED
    assert "its last answer was: no answer" in stored().task_status_msg


@pytest.mark.parametrize("status", ["succeed", "failed"])
def test_end_after_the_deadline_is_accepted(provider, status, monkeypatch):
    monkeypatch.setenv("GENERATION_DEADLINE_SECONDS", "60")
    running(3_600)
    provider.has("task-1", task_status=status)
    expected = Outcome.GENERATED if status == "succeed" else Outcome.ENDED
    assert poll("task-1", provider=provider).outcome is expected
    assert "within 60 s" not in stored().task_status_msg


def test_terminal_task_is_not_polled(provider):
    task = add_task()
    TaskStore().fail(task, "why")
    assert poll("task-1", provider=provider).outcome is Outcome.ENDED
    assert provider.queried == []


def hold_and_queue(executions) -> Slots:
    """The task holds the only slot, and another one waits for it."""
    aws.dynamodb().put_item(TableName="kiln-table", Item={**SLOTS_KEY, "holders": {"SS": ["task-1#0"]}})
    add_task("task-2")
    park("task-2", "token-2")
    return Slots(limit=1)


@pytest.mark.parametrize(
    ("status", "outcome"), [("succeed", Outcome.GENERATED), ("failed", Outcome.ENDED), ("processing", Outcome.ENDED)]
)
def test_slots_are_handed_over_the_moment_the_provider_is_done(provider, executions, monkeypatch, status, outcome):
    monkeypatch.setenv("GENERATION_DEADLINE_SECONDS", "60")
    running(61)
    slots = hold_and_queue(executions)
    provider.has("task-1", task_status=status)
    result = poll("task-1", provider=provider, slots=slots)
    assert result.outcome is outcome
    assert slots.state().names == {"task-2#0"}
    assert executions.succeeded == ["token-2"]
    assert (result.event is not None) is (outcome is Outcome.ENDED)
    # The step is repeated when its answer is lost.
    assert poll("task-1", provider=provider, slots=slots).outcome is outcome
    assert slots.state().names == {"task-2#0"}


def test_running_task_keeps_its_slots(provider, executions):
    running()
    slots = hold_and_queue(executions)
    provider.has("task-1", task_status="processing")
    poll("task-1", provider=provider, slots=slots)
    assert slots.state().names == {"task-1#0"}


def test_missing_task_releases_its_slots_and_ends_quietly(provider, executions):
    slots = hold_and_queue(executions)
    result = poll("task-1", provider=provider, slots=slots)
    assert (result.outcome, result.event) == (Outcome.GONE, None)
    assert slots.state().names == {"task-2#0"}
    assert provider.queried == []


def test_many_polls_slow_the_timer_down(provider):
    running()
    provider.has("task-1")
    TaskStore()._update("task-1", "SET polls = :many", {":many": {"N": str(MANY_POLLS)}})
    assert poll("task-1", provider=provider).outcome is Outcome.RUNNING_LONG
    provider.query_errors = [ProviderError(Verdict.RETRY, "no answer")]
    assert poll("task-1", provider=provider).outcome is Outcome.RUNNING_LONG
