"""Collect: all images or none, fresh links on every try, and patience with what has been paid for."""

from __future__ import annotations

import hashlib
import json

import pytest

from kiln import clock
from kiln.contract import TaskStatus
from kiln.images import storage
from kiln.provider import ProviderError, Verdict
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Origin
from kiln.workflow.collect import collect
from kiln.workflow.outcomes import Outcome
from tests.support.fakes import FakeProvider, HttpPool, http_answer
from tests.support.images import picture
from tests.support.samples import add_task

CONTENTS = [picture(640, 360), picture(640, 360, "JPEG"), picture(400, 400)]
URLS = [f"https://cdn.test/{number}" for number in range(3)]

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def provider() -> FakeProvider:
    account = FakeProvider()
    images = [{"index": index, "url": url} for index, url in enumerate(URLS)]
    account.has("task-1", task_status="succeed", task_result={"images": images}, final_unit_deduction="48")
    return account


@pytest.fixture
def pool(monkeypatch) -> HttpPool:
    fake = HttpPool({url: http_answer(content) for url, content in zip(URLS, CONTENTS, strict=True)})
    monkeypatch.setattr(storage, "http", lambda: fake)
    return fake


def generated(seconds: float = 1, **changes):
    """A task whose images are being collected since so long ago."""
    task = add_task(n=3, **changes)
    store = TaskStore()
    store.dispatched(task, "at-provider-1")
    store._update("task-1", "SET collecting_at = :at", {":at": {"N": str(clock.milliseconds() - int(seconds * 1_000))}})


def stored():
    return TaskStore().get("task-1")


def test_the_images_are_kept_and_the_task_succeeds_with_them(provider, pool):
    generated()
    assert collect("task-1", provider=provider).outcome is Outcome.ENDED
    task = stored()
    assert task.task_status is TaskStatus.SUCCEED
    assert task.final_unit_deduction == "48"
    assert [(image.index, image.key) for image in task.result] == [
        (0, "tasks/task-1/0.png"),
        (1, "tasks/task-1/1.jpg"),
        (2, "tasks/task-1/2.png"),
    ]
    assert [image.sha256 for image in task.result] == [hashlib.sha256(content).hexdigest() for content in CONTENTS]
    assert sorted(pool.stored.values()) == sorted(CONTENTS)


def test_a_drops_images_go_beside_its_result_json(provider, pool):
    generated(origin=Origin(channel="drop", folder="summer/cat"))
    collect("task-1", provider=provider)
    assert stored().result[0].key == "summer/cat/task-1/0.png"


def test_one_image_that_does_not_come_keeps_the_task_from_succeeding(provider, pool):
    generated()
    pool._sources[URLS[1]] = http_answer(CONTENTS[1][:-10], announced=len(CONTENTS[1]))  # type: ignore[index]
    result = collect("task-1", provider=provider)
    assert (result.outcome, result.wait) == (Outcome.AGAIN, 2)
    assert result.reason.startswith("image 1 of 3: ")
    assert not stored().task_status.is_terminal
    assert stored().result == []
    pool._sources[URLS[1]] = http_answer(CONTENTS[1])  # type: ignore[index]
    assert collect("task-1", provider=provider).outcome is Outcome.ENDED
    assert len(stored().result) == 3


def test_what_has_come_is_not_fetched_again_when_another_image_did_not(provider, pool):
    generated()
    fetched: list[str] = []

    def counted(url: str, answer):
        return lambda: (fetched.append(url), answer())[1]

    for url, content in zip(URLS, CONTENTS, strict=True):
        pool._sources[url] = counted(url, http_answer(content))
    pool._sources[URLS[1]] = counted(URLS[1], http_answer(b"", 403))
    collect("task-1", provider=provider)
    pool._sources[URLS[1]] = counted(URLS[1], http_answer(CONTENTS[1]))
    collect("task-1", provider=provider)
    assert [image.index for image in stored().result] == [0, 1, 2]
    assert sorted(fetched) == sorted([*URLS, URLS[1]])


@pytest.mark.parametrize(("seconds", "wait"), [(1, 2), (19, 2), (100, 10), (1_000, 100), (3_000, 300), (80_000, 300)])
def test_it_is_tried_again_soon_at_first_and_then_seldom(provider, seconds, wait):
    generated(seconds)
    provider.query_errors = [ProviderError(Verdict.RETRY, "no answer")]
    result = collect("task-1", provider=provider)
    assert (result.outcome, result.wait, result.reason) == (Outcome.AGAIN, wait, "no answer")


def test_the_links_are_asked_for_anew_on_every_try(provider, pool):
    generated()
    for _ in range(2):
        pool._sources[URLS[0]] = http_answer(b"", 403)  # type: ignore[index]
        collect("task-1", provider=provider)
    assert provider.queried == ["at-provider-1", "at-provider-1"]


@pytest.mark.parametrize("status", ["submitted", "processing", "failed"])
def test_a_status_that_goes_back_is_waited_out(provider, status):
    generated()
    provider.tasks["task-1"]["task_status"] = status
    result = collect("task-1", provider=provider)
    assert (result.outcome, result.reason) == (Outcome.AGAIN, f"it is {status} again")


@pytest.mark.parametrize("result", [{}, {"images": []}, {"images": None}, None])
def test_a_success_without_images_is_not_one(provider, result):
    generated()
    provider.tasks["task-1"]["task_result"] = result
    assert collect("task-1", provider=provider).reason == "the provider names no images"
    assert not stored().task_status.is_terminal


def test_at_the_deadline_the_task_fails_and_says_why(provider, monkeypatch):
    monkeypatch.setenv("COLLECT_DEADLINE_SECONDS", "60")
    generated(61)
    provider.query_errors = [ProviderError(Verdict.RETRY, "no answer")]
    assert collect("task-1", provider=provider).outcome is Outcome.ENDED
    assert stored().task_status_msg == "The generated images could not be copied within 60 s; no answer"


def test_time_that_passed_before_the_first_try_does_not_count(provider):
    """The provider was away, or dispatch was, for longer than collecting may take."""
    generated()
    yesterday = {":at": {"N": str(clock.milliseconds() - 90_000_000)}}
    TaskStore()._update("task-1", "SET dispatched_at = :at REMOVE collecting_at", yesterday)
    provider.query_errors = [ProviderError(Verdict.RETRY, "no answer")]
    result = collect("task-1", provider=provider)
    assert (result.outcome, result.wait) == (Outcome.AGAIN, 2)


@pytest.mark.parametrize("status", ["submitted", "processing", "failed"])
def test_a_status_that_went_back_is_not_waited_out_for_ever(provider, status, monkeypatch):
    monkeypatch.setenv("COLLECT_DEADLINE_SECONDS", "60")
    generated(61)
    provider.tasks["task-1"]["task_status"] = status
    assert collect("task-1", provider=provider).outcome is Outcome.ENDED
    assert stored().task_status is TaskStatus.FAILED


def test_a_task_that_has_ended_is_not_collected_again(provider, pool):
    generated()
    collect("task-1", provider=provider)
    before = stored()
    assert collect("task-1", provider=provider).outcome is Outcome.ENDED
    assert stored() == before
    assert len(provider.queried) == 1


def test_the_result_is_small_enough_for_the_workflow(provider, pool):
    generated()
    assert len(json.dumps(collect("task-1", provider=provider).model_dump(mode="json"))) < 10_000
