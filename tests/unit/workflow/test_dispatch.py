"""Dispatch: what the provider is asked for, what every verdict comes to, and that nothing is ever generated twice."""

from __future__ import annotations

import base64
from urllib.parse import urlsplit

import pytest

from kiln import aws, clock
from kiln.contract import TaskStatus
from kiln.images.stored import StoredInput
from kiln.links import callback_link
from kiln.provider import ProviderError, Verdict
from kiln.settings import load
from kiln.slots.store import Slots
from kiln.tasks.items import SLOTS_KEY, task_key
from kiln.tasks.store import TaskStore
from kiln.workflow.dispatch import dispatch
from kiln.workflow.outcomes import Outcome
from tests.support.clock import set_age
from tests.support.fakes import FakeProvider
from tests.support.samples import SUBJECT_URL, add_task

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider()


def stored():
    return TaskStore().get("task-1")


def hold(*names: str, virtual_time: int = 0) -> None:
    item = {**SLOTS_KEY, "holders": {"SS": list(names)}, "virtual_time": {"N": str(virtual_time)}}
    aws.dynamodb().put_item(TableName="kiln-table", Item=item)


def fresh(**changes):
    return add_task(created_at=clock.milliseconds(), **changes)


def test_first_attempt_creates_without_a_look_up(provider):
    fresh()
    result = dispatch("task-1", provider=provider)
    assert result.outcome is Outcome.DISPATCHED
    assert provider.queried == []
    assert stored().provider_task_id == "at-provider-1"
    assert stored().dispatched_at > 0
    assert stored().task_status is TaskStatus.SUBMITTED


def test_request_has_the_contracts_fields(provider):
    fresh(
        prompt="A cat",
        n=3,
        watermark=True,
        aspect_ratio="1:1",
        model_name="kling-v2-1",
        callback_url="https://caller.test/mine",
        external_task_id="mine",
        run_id="task-1_1",
        inputs=[
            StoredInput(field="subject_image_list[0].subject_image", url=SUBJECT_URL),
            StoredInput(field="subject_image_list[1].subject_image", bucket="kiln-inputs", key="task-1/subject-1.png"),
            StoredInput(field="scene_image", bucket="kiln-inbox", key="f/猫 1.png", version_id="v 1"),
            StoredInput(field="style_image", url="https://images.test/style"),
        ],
    )
    dispatch("task-1", provider=provider)
    [request] = provider.created
    first, second = request.pop("subject_image_list")
    assert first == {"subject_image": SUBJECT_URL}
    link = urlsplit(second["subject_image"])
    assert link.path.endswith("task-1/subject-1.png")
    assert "X-Amz-Expires=3600" in link.query
    scene = urlsplit(request.pop("scene_image"))
    assert scene.path.endswith("f/%E7%8C%AB%201.png")
    assert "versionId=v%201" in scene.query
    assert request == {
        "model_name": "kling-v2-1",
        "prompt": "A cat",
        "n": 3,
        "aspect_ratio": "1:1",
        "watermark_info": {"enabled": True},
        "style_image": "https://images.test/style",
        "callback_url": callback_link("https://kiln.test", "task-1"),
        "external_task_id": "task-1_1",
    }


def test_unset_fields_are_not_sent(provider):
    fresh()
    dispatch("task-1", provider=provider)
    assert {"prompt", "scene_image", "style_image"}.isdisjoint(provider.created[0])


def test_inline_inputs_are_sent_as_base64_without_a_callback(provider, monkeypatch):
    monkeypatch.setenv("PROVIDER_INPUTS", "inline")
    load.cache_clear()
    put = aws.s3().put_object(Bucket="kiln-inbox", Key="f/cat.png", Body=b"the first version")
    aws.s3().put_object(Bucket="kiln-inbox", Key="f/cat.png", Body=b"a later version")
    aws.s3().put_object(Bucket="kiln-inputs", Key="task-1/scene.png", Body=b"the scene")
    first, second = "subject_image_list[0].subject_image", "subject_image_list[1].subject_image"
    fresh(
        inputs=[
            StoredInput(field=first, bucket="kiln-inbox", key="f/cat.png", version_id=put["VersionId"]),
            StoredInput(field=second, url=SUBJECT_URL),
            StoredInput(field="scene_image", bucket="kiln-inputs", key="task-1/scene.png"),
        ],
    )
    dispatch("task-1", provider=provider)
    [request] = provider.created
    inline = base64.b64encode(b"the first version").decode()
    assert request["subject_image_list"] == [{"subject_image": inline}, {"subject_image": SUBJECT_URL}]
    assert request["scene_image"] == base64.b64encode(b"the scene").decode()
    assert "callback_url" not in request


def test_callback_address_has_the_tasks_token():
    address = callback_link("https://kiln.test", "task-1")
    assert address.startswith("https://kiln.test/v1/callbacks/task-1/")
    assert callback_link("https://kiln.test", "task-2").rpartition("/")[2] != address.rpartition("/")[2]


@pytest.mark.parametrize("verdict", [Verdict.UNKNOWN, Verdict.RETRY, Verdict.WAIT])
@pytest.mark.parametrize("is_made", [True, False])
def test_create_in_doubt_generates_exactly_one_task(provider, verdict, is_made):
    fresh()
    provider.create_errors = [(ProviderError(verdict, "no answer"), is_made)]
    first = dispatch("task-1", provider=provider)
    assert first.outcome is Outcome.AGAIN
    assert 1 <= first.wait <= 2
    assert stored().refusal == "no answer"
    second = dispatch("task-1", provider=provider)
    assert second.outcome is (Outcome.ADOPTED if is_made else Outcome.DISPATCHED)
    assert provider.queried == ["task-1"]
    assert len(provider.created) == 1
    assert stored().provider_task_id == "at-provider-1"
    assert stored().refusal == ""


def test_crash_after_the_create_adopts_the_providers_task(provider):
    fresh()
    TaskStore().begin_dispatch("task-1")
    provider.has("task-1", task_id="at-provider-7")
    assert dispatch("task-1", provider=provider).outcome is Outcome.ADOPTED
    assert provider.created == []
    assert stored().provider_task_id == "at-provider-7"


def test_task_known_to_the_provider_is_not_created_again(provider):
    fresh()
    dispatch("task-1", provider=provider)
    assert dispatch("task-1", provider=provider).outcome is Outcome.ADOPTED
    assert len(provider.created) == 1


def test_duplicate_refused_after_the_look_up_is_adopted(provider):
    fresh()
    provider.has("task-1")
    provider.query_errors = [ProviderError(Verdict.MISSING, "not yet")]
    TaskStore().begin_dispatch("task-1")
    assert dispatch("task-1", provider=provider).outcome is Outcome.ADOPTED
    assert provider.created == []


@pytest.mark.parametrize("verdict", [Verdict.RETRY, Verdict.WAIT, Verdict.ACCOUNT])
def test_failed_look_up_creates_nothing(provider, verdict):
    fresh()
    TaskStore().begin_dispatch("task-1")
    provider.query_errors = [ProviderError(verdict, "no answer")]
    assert dispatch("task-1", provider=provider).outcome is Outcome.AGAIN
    assert provider.created == []


@pytest.mark.parametrize("verdict", [Verdict.PERMANENT, Verdict.MISSING])
def test_final_refusal_fails_the_task_with_the_providers_message(provider, verdict):
    fresh()
    provider.create_errors = [(ProviderError(verdict, "Failure to pass the risk control system", 1301), False)]
    assert dispatch("task-1", provider=provider).outcome is Outcome.ENDED
    assert stored().task_status is TaskStatus.FAILED
    assert stored().task_status_msg == "Failure to pass the risk control system"


def test_trouble_with_the_account_keeps_the_task_and_asks_again_soon(provider):
    fresh()
    provider.create_errors = [(ProviderError(Verdict.ACCOUNT, "in arrears", 1101), False)]
    result = dispatch("task-1", provider=provider)
    assert (result.outcome, result.wait) in [(Outcome.AGAIN, 1), (Outcome.AGAIN, 2)]
    assert stored().task_status is TaskStatus.SUBMITTED
    assert stored().refusal == "in arrears (code 1101)"


def test_full_provider_throttles_the_free_slots(provider):
    fresh()
    provider.create_errors = [(ProviderError(Verdict.WAIT, "parallel task over resource pack limit", 1303), False)]
    result = dispatch("task-1", provider=provider, slots=Slots(limit=3))
    assert result.outcome is Outcome.AGAIN
    assert len(Slots().state().names) == 3


@pytest.mark.parametrize("code", [1302, 5000, 1101, 0])
def test_other_refusal_throttles_no_slots(provider, code):
    fresh()
    verdict = Verdict.ACCOUNT if code == 1101 else Verdict.WAIT
    provider.create_errors = [(ProviderError(verdict, "no", code), False)]
    assert dispatch("task-1", provider=provider).outcome is Outcome.AGAIN
    assert Slots().state().names == {"task-1#0"}


def test_waits_grow_to_half_a_minute_and_are_spread(provider):
    fresh()
    waits = []
    for _ in range(12):
        provider.create_errors = [(ProviderError(Verdict.WAIT, "full", 1303), False)]
        waits.append(dispatch("task-1", provider=provider).wait)
    for number, wait in enumerate(waits):
        longest = min(2 * 2**number, 30)
        assert (longest + 1) // 2 <= wait <= longest


def test_other_waits_are_a_second_or_two_at_first(provider):
    fresh()
    waits = []
    for _ in range(20):
        provider.create_errors = [(ProviderError(Verdict.WAIT, "too many requests", 1302), False)]
        waits.append(dispatch("task-1", provider=provider).wait)
    assert set(waits) <= {1, 2}


def turn_came(seconds: float) -> None:
    """So long ago, and the first attempt was made then."""
    store = TaskStore()
    fresh()
    store.begin_dispatch("task-1")
    set_age(slots_acquired_at=seconds)


@pytest.mark.parametrize("verdict", [Verdict.WAIT, Verdict.ACCOUNT])
def test_undispatched_task_fails_at_the_deadline_with_the_last_answer(provider, verdict, monkeypatch):
    monkeypatch.setenv("DISPATCH_DEADLINE_SECONDS", "60")
    turn_came(61)
    provider.create_errors = [(ProviderError(verdict, "full", 1303), False)]
    assert dispatch("task-1", provider=provider).outcome is Outcome.ENDED
    assert stored().task_status is TaskStatus.FAILED
    assert stored().task_status_msg == (
        "The provider did not take the task within 60 s; its last answer: full (code 1303)"
    )


@pytest.mark.parametrize("verdict", [Verdict.RETRY, Verdict.WAIT, Verdict.ACCOUNT, Verdict.UNKNOWN])
def test_time_in_the_queue_does_not_count(provider, verdict, monkeypatch):
    monkeypatch.setenv("DISPATCH_DEADLINE_SECONDS", "60")
    add_task(created_at=clock.milliseconds() - 61_000)
    provider.create_errors = [(ProviderError(verdict, "not now"), False)]
    assert dispatch("task-1", provider=provider).outcome is Outcome.AGAIN
    assert dispatch("task-1", provider=provider).outcome is Outcome.DISPATCHED


def test_create_in_doubt_is_looked_up_before_the_task_fails(provider, monkeypatch):
    monkeypatch.setenv("DISPATCH_DEADLINE_SECONDS", "60")
    turn_came(61)
    provider.create_errors = [(ProviderError(Verdict.UNKNOWN, "no answer"), True)]
    assert dispatch("task-1", provider=provider).outcome is Outcome.AGAIN
    provider.query_errors = [ProviderError(Verdict.RETRY, "no answer either")]
    assert dispatch("task-1", provider=provider).outcome is Outcome.AGAIN
    assert dispatch("task-1", provider=provider).outcome is Outcome.ADOPTED
    assert len(provider.created) == 1


@pytest.mark.parametrize("verdict", [Verdict.RETRY, Verdict.PERMANENT, Verdict.ACCOUNT])
def test_unreachable_provider_is_retried_until_the_generation_deadline(provider, verdict, monkeypatch):
    monkeypatch.setenv("DISPATCH_DEADLINE_SECONDS", "60")
    monkeypatch.setenv("COLLECT_DEADLINE_SECONDS", "600")
    turn_came(659)
    provider.query_errors = [ProviderError(verdict, "no answer") for _ in range(2)]
    assert dispatch("task-1", provider=provider).outcome is Outcome.AGAIN
    set_age(slots_acquired_at=661)
    assert dispatch("task-1", provider=provider).outcome is Outcome.ENDED
    assert stored().task_status_msg == "The provider did not take the task within 60 s; its last answer: no answer"


def test_first_attempt_after_the_deadline_is_made(provider, monkeypatch):
    monkeypatch.setenv("DISPATCH_DEADLINE_SECONDS", "60")
    turn_came(61)
    assert dispatch("task-1", provider=provider).outcome is Outcome.DISPATCHED


def test_older_task_of_the_same_content_is_not_adopted(provider):
    provider.has("task-1", task_status="succeed")
    provider.has("task-1_1", task_status="succeed")
    fresh(run_id="task-1_2")
    assert dispatch("task-1", provider=provider).outcome is Outcome.DISPATCHED
    assert provider.queried == []
    assert provider.created[0]["external_task_id"] == "task-1_2"


def test_terminal_task_is_not_dispatched(provider):
    TaskStore().fail(fresh(), "why")
    result = dispatch("task-1", provider=provider)
    assert (result.outcome, result.reason) == (Outcome.ENDED, "why")
    assert provider.created == provider.queried == []


def test_task_that_has_ended_enters_no_queue_when_its_workflow_begins_again(provider):
    TaskStore().fail(fresh(), "why")
    assert dispatch("task-1", provider=provider).outcome is Outcome.ENDED
    assert not {"queue", "turn"} & set(aws.dynamodb().get_item(TableName="kiln-table", Key=task_key("task-1"))["Item"])


def test_dispatch_removes_the_task_from_the_queue(provider):
    fresh()
    provider.create_errors = [(ProviderError(Verdict.WAIT, "full"), False)]
    dispatch("task-1", provider=provider)
    assert not stored().is_waiting


def test_full_account_queues_the_task_and_asks_nothing(provider):
    hold("other#0")
    fresh()
    result = dispatch("task-1", provider=provider, slots=Slots(limit=1))
    assert (result.outcome, result.event) == (Outcome.QUEUED, None)
    assert provider.created == []
    assert stored().is_waiting
    assert stored().dispatch_attempts == 0


def test_paused_dispatch_queues_the_task(provider):
    fresh()
    Slots().pause()
    assert dispatch("task-1", provider=provider).outcome is Outcome.QUEUED


def test_woken_task_without_slots_waits_again_and_its_wake_up_counts_once(provider):
    hold("other#0")
    fresh()
    TaskStore().request_wake_up("task-1")
    assert dispatch("task-1", provider=provider, slots=Slots(limit=1)).outcome is Outcome.QUEUED
    assert stored().wake_requested_at is None


def test_slots_that_arrive_between_the_reads_are_found(provider):
    hold("other#0")
    fresh()
    TaskStore().request_wake_up("task-1")

    class Meanwhile(TaskStore):
        def clear_wake_up(self, task_id: str) -> None:
            super().clear_wake_up(task_id)
            hold("task-1#0")

    result = dispatch("task-1", provider=provider, tasks=Meanwhile(), slots=Slots(limit=1))
    assert result.outcome is Outcome.DISPATCHED


def test_handed_over_slots_are_used_whatever_the_limit_is_now(provider):
    hold("task-1#0", "other#0", "other#1")
    fresh()
    assert dispatch("task-1", provider=provider, slots=Slots(limit=1)).outcome is Outcome.DISPATCHED


def test_missing_task_releases_its_slots_and_ends_quietly(provider, executions):
    hold("task-1#0")
    add_task("task-2")
    result = dispatch("task-1", provider=provider, slots=Slots(limit=1))
    assert (result.outcome, result.event) == (Outcome.GONE, None)
    assert Slots().state().names == {"task-2#0"}


def test_task_that_is_gone_takes_no_slots(provider):
    assert dispatch("task-1", provider=provider).outcome is Outcome.GONE
    assert Slots().state().names == set()


def test_cancelled_task_hands_its_slots_over_and_its_event_out(provider, executions):
    hold("task-1#0")
    TaskStore().fail(fresh(), "why")
    add_task("task-2")
    result = dispatch("task-1", provider=provider, slots=Slots(limit=1))
    assert result.outcome is Outcome.ENDED
    assert result.event is not None
    assert result.event.detail_type == "Image Task Failed"
    assert Slots().state().names == {"task-2#0"}


def test_refused_task_hands_its_slots_over_and_its_event_out(provider, executions):
    fresh()
    add_task("task-2")
    provider.create_errors = [(ProviderError(Verdict.PERMANENT, "no", 1301), False)]
    result = dispatch("task-1", provider=provider, slots=Slots(limit=1))
    assert result.event is not None
    assert result.event.detail.data.task_status_msg == "no"
    assert Slots().state().names == {"task-2#0"}


def test_restarted_workflow_of_a_dispatched_task_needs_no_slots(provider):
    TaskStore().dispatched(fresh(), "829")
    hold(*(f"other#{number}" for number in range(9)))
    assert dispatch("task-1", provider=provider).outcome is Outcome.ADOPTED
    assert provider.created == provider.queried == []


def test_task_that_lost_its_slots_returns_to_the_front_of_the_queue(provider):
    fresh()
    TaskStore().begin_dispatch("task-1")
    hold("other#0", virtual_time=41)
    assert dispatch("task-1", provider=provider, slots=Slots(limit=1)).outcome is Outcome.QUEUED
    assert (stored().is_waiting, stored().turn) == (True, 41)
