"""The workflow's functions: what the state machine hands them, and that what comes back is what it reads."""

from __future__ import annotations

import json

import httpx
import pytest

from kiln import clock
from kiln.contract import TaskStatus
from kiln.errors import TaskNotFound
from kiln.images import result_links, storage
from kiln.provider import client
from kiln.provider.client import Provider
from kiln.tasks.store import TaskStore
from kiln.webhooks import delivery
from tests.support.fakes import HttpPool, http_answer
from tests.support.functions import TASK_ID, invoke, sample
from tests.support.images import picture
from tests.support.samples import add_task
from tests.support.workflow import rendered

STEPS = {
    "dispatch": "Dispatch",
    "poll": "Poll",
    "collect": "Collect",
    "release": "ReleaseSlots",
}


@pytest.fixture
def provider(monkeypatch) -> dict[str, object]:
    """The task as the provider has it; the functions find it at the end of their own client."""
    task: dict[str, object] = {"task_id": "829", "task_status": "submitted"}

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"code": 0, "message": "SUCCEED", "request_id": "r", "data": task})

    def shared_provider() -> Provider:
        return Provider(client=httpx.Client(transport=httpx.MockTransport(answer)))

    for step in ("dispatch", "poll", "collect"):
        monkeypatch.setattr(f"kiln.workflow.{step}.provider_for", lambda _: shared_provider())
    assert client.shared_provider is not shared_provider
    return task


def stored():
    return TaskStore().get(TASK_ID)


def test_steps_take_a_task_from_submitted_to_succeed(provider, monkeypatch):
    pool = HttpPool({"https://cdn.test/0": http_answer(picture())})
    for module, name in ((storage, "http"), (result_links, "guarded_http")):
        monkeypatch.setattr(module, name, lambda: pool)
    receiver = httpx.MockTransport(lambda _: httpx.Response(200))
    monkeypatch.setattr(delivery, "_client", lambda: httpx.Client(transport=receiver))
    add_task(TASK_ID, created_at=clock.milliseconds(), callback_url="https://caller.test/hook")

    assert invoke("dispatch", sample("workflow-dispatch"))["outcome"] == "dispatched"
    assert stored().provider_task_id == "829"
    provider["task_status"] = "processing"
    assert invoke("poll", sample("workflow-poll"))["event"]["detail_type"] == "Image Task Processing"
    assert invoke("poll", sample("workflow-poll", processing_published=True))["outcome"] == "running"
    provider["task_status"] = "succeed"
    provider["task_result"] = {"images": [{"index": 0, "url": "https://cdn.test/0"}]}
    assert invoke("poll", sample("workflow-poll", processing_published=True))["outcome"] == "generated"
    ending = invoke("collect", sample("workflow-collect"))
    assert ending["outcome"] == "ended"
    assert stored().task_status is TaskStatus.SUCCEED
    assert ending["event"]["detail_type"] == "Image Task Succeeded"
    assert ending["event"]["detail"]["metadata"]["has_receiver"] is True
    assert invoke("notify", sample("workflow-notify"))["outcome"] == "delivered"


def test_fault_of_a_step_fails_the_task():
    add_task(TASK_ID)
    ending = invoke("release", sample("workflow-release-fault"))
    assert ending["event"]["detail_type"] == "Image Task Failed"
    assert "Lambda.TooManyRequestsException" in stored().task_status_msg


@pytest.mark.parametrize("step", STEPS)
def test_answers_are_json_with_every_field_that_the_state_machine_reads(step, provider):
    add_task(TASK_ID, created_at=clock.milliseconds())
    result = json.loads(json.dumps(invoke(step, sample(f"workflow-{step}"))))
    selector = rendered("TaskWorkflow")["States"][STEPS[step]]["ResultSelector"]
    for path in selector.values():
        assert path.removeprefix("$.Payload.") in result


@pytest.mark.parametrize("step", STEPS)
def test_sample_events_match_the_state_machines_arguments(step):
    handed_in = rendered("TaskWorkflow")["States"][STEPS[step]]["Parameters"]["Payload"]
    assert set(sample(f"workflow-{step}")) == {name.removesuffix(".$") for name in handed_in}


def test_the_same_for_the_notification():
    notify = rendered("NotificationWorkflow")["States"]["Notify"]
    begun = rendered("TaskWorkflow")["States"]["NotifySubmitted"]["Parameters"]["Input"]
    assert notify["Parameters"]["Payload.$"] == "$"
    assert set(sample("workflow-notify")) == {name.removesuffix(".$") for name in begun}
    add_task(TASK_ID)
    result = invoke("notify", sample("workflow-notify", task_status="submitted"))
    for path in notify["ResultSelector"].values():
        assert path.removeprefix("$.Payload.") in result


def test_notification_of_a_task_that_is_gone_is_a_fault():
    with pytest.raises(TaskNotFound):
        invoke("notify", sample("workflow-notify"))


@pytest.mark.parametrize("step", STEPS)
def test_task_that_is_gone_ends_its_workflow_quietly(step, provider):
    result = invoke(step, sample(f"workflow-{step}"))
    assert (result["outcome"], result["event"]) == ("gone", None)


@pytest.mark.parametrize("step", ["dispatch", "poll"])
def test_logs_name_the_task_and_have_no_secrets(step, provider, logged):
    add_task(TASK_ID, created_at=clock.milliseconds(), prompt="private", callback_url="https://caller.test/?t=1")
    invoke(step, sample(f"workflow-{step}"))
    assert TASK_ID in logged.getvalue()
    for secret in ("private", "caller.test", "provider-secret-key", "Bearer"):
        assert secret not in logged.getvalue()
