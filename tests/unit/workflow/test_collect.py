"""Collect: all images or none, fresh links on every try, and patience with what has been paid for."""

from __future__ import annotations

import hashlib
import json

import pytest

from kiln import clock, events, metrics
from kiln.contract import TaskStatus
from kiln.images import result_links, storage
from kiln.provider import ProviderError, Verdict
from kiln.tasks.downloads import download_address
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Origin
from kiln.tasks.views import found_view
from kiln.workflow.collect import collect
from kiln.workflow.outcomes import Outcome
from tests.support.clock import set_age
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
    monkeypatch.setattr(result_links, "guarded_http", lambda: fake)
    return fake


def generated(seconds: float = 1, **changes):
    """A task whose images are being collected since so long ago."""
    task = add_task(n=3, **changes)
    store = TaskStore()
    store.dispatched(task, "at-provider-1")
    set_age(collecting_at=seconds)


def generated_since(seconds: float) -> None:
    """Sets back the moment at which collecting began."""
    at = {":at": {"N": str(clock.milliseconds() - int(seconds * 1_000))}}
    TaskStore()._update("task-1", "SET collecting_at = :at", at)


def stored():
    return TaskStore().get("task-1")


def assert_ends_with_two_of_three(provider, reason: str) -> None:
    assert collect("task-1", provider=provider).outcome is Outcome.ENDED
    assert stored().task_status is TaskStatus.SUCCEED
    assert stored().task_status_msg == f"2 of 3 images; {reason}"


@pytest.fixture
def measured(monkeypatch):
    """The measurements so far, by the metric's name."""
    made: list[tuple[str, float, str]] = []
    monkeypatch.setattr(metrics, "_publish", lambda metric, value, of: made.append((metric.name, value, of)))
    return lambda name: [(value, of) for each, value, of in made if each == name]


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
    images = [content for key, content in pool.stored.items() if "-preview" not in key]
    assert sorted(images) == sorted(CONTENTS)


def test_collected_image_has_a_preview_in_answers_and_events(provider, pool):
    generated()
    result = collect("task-1", provider=provider)
    previews = [image.preview for image in stored().result]
    assert [each and each.key for each in previews] == [f"tasks/task-1/{index}-preview.webp" for index in range(3)]
    found = found_view(stored(), "https://kiln.test").task_result.images
    assert [image.preview_url.rpartition("/")[2] for image in found] == [f"{index}-preview.webp" for index in range(3)]
    assert result.event
    assert [image.preview_url for image in result.event.detail.data.task_result.images] == [
        image.preview_url for image in found
    ]


def test_image_without_a_preview_is_still_a_result(provider, pool):
    generated()
    pool._sources[URLS[1]] = http_answer(CONTENTS[1][:200] + CONTENTS[1][-2:])  # type: ignore[index]
    result = collect("task-1", provider=provider)
    assert result.outcome is Outcome.ENDED
    assert result.reason.startswith("no preview of image 1: ")
    assert stored().task_status is TaskStatus.SUCCEED
    assert [image.preview is None for image in stored().result] == [False, True, False]
    assert "preview_url" not in found_view(stored(), "").task_result.images[1].model_dump()


def test_no_previews_are_made_once_collecting_has_taken_long(provider, pool):
    generated(601)
    result = collect("task-1", provider=provider)
    assert (result.outcome, result.reason) == (Outcome.ENDED, "too late for previews")
    assert {image.preview for image in stored().result} == {None}


def test_images_of_a_drop_are_stored_beside_its_result_file(provider, pool):
    generated(origin=Origin(channel="drop", folder="summer/cat"))
    collect("task-1", provider=provider)
    assert stored().result[0].key == "summer/cat/task-1/0.png"


def test_missing_image_keeps_the_task_processing(provider, pool):
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


def test_stored_image_is_not_fetched_again(provider, pool):
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
def test_waits_between_attempts_grow(provider, seconds, wait):
    generated(seconds)
    provider.query_errors = [ProviderError(Verdict.RETRY, "no answer")]
    result = collect("task-1", provider=provider)
    assert (result.outcome, result.wait, result.reason) == (Outcome.AGAIN, wait, "no answer")
    assert stored().refusal == "no answer"


def test_each_attempt_requests_new_links(provider, pool):
    generated()
    for _ in range(2):
        pool._sources[URLS[0]] = http_answer(b"", 403)  # type: ignore[index]
        collect("task-1", provider=provider)
    assert provider.queried == ["at-provider-1", "at-provider-1"]


@pytest.mark.parametrize("status", ["submitted", "processing", "failed"])
def test_status_that_goes_back_is_retried(provider, status):
    generated()
    provider.tasks["task-1"]["task_status"] = status
    result = collect("task-1", provider=provider)
    assert (result.outcome, result.reason) == (Outcome.AGAIN, f"it is {status} again")


def images_of(provider: FakeProvider) -> list[dict[str, object]]:
    """The images that the provider lists; a test changes them."""
    return provider.tasks["task-1"]["task_result"]["images"]


@pytest.mark.parametrize("result", [{}, {"images": []}, {"images": None}, None, "images"])
def test_a_success_without_images_is_looked_at_again_for_a_few_seconds(provider, result, measured):
    generated(19)
    provider.tasks["task-1"]["task_result"] = result
    assert collect("task-1", provider=provider).reason == "the provider names no images"
    assert not stored().task_status.is_terminal
    assert stored().refusal == "the provider names no images"
    generated_since(21)
    assert collect("task-1", provider=provider).outcome is Outcome.ENDED
    assert (stored().task_status, stored().task_status_msg) == (
        TaskStatus.FAILED,
        "paid, no image: the provider names no images",
    )
    assert measured("TasksFailed") == [(1, "no_image")]
    assert measured("ImagesMissing") == [(3, "")]


def test_fewer_images_than_asked_for_are_stored_and_the_task_succeeds_with_them(provider, pool, measured):
    generated()
    del images_of(provider)[1]
    result = collect("task-1", provider=provider)
    assert (result.outcome, result.reason) == (Outcome.AGAIN, "the provider names only 2 of 3 images")
    generated_since(21)
    assert collect("task-1", provider=provider).outcome is Outcome.ENDED
    task = stored()
    assert (task.task_status, task.task_status_msg) == (
        TaskStatus.SUCCEED,
        "2 of 3 images; the provider names only 2 of 3 images",
    )
    assert [image.index for image in task.result] == [0, 2]
    assert (task.refusal, task.final_unit_deduction) == ("", "48")
    assert measured("ImagesMissing") == [(1, "")]
    event = events.status_event(task, "https://kiln.test").detail.model_dump(mode="json")
    assert event["data"]["images_missing"] == 1


def test_an_image_that_the_next_look_names_is_stored_too(provider, pool):
    generated()
    images = images_of(provider)
    last = images.pop()
    collect("task-1", provider=provider)
    images.append(last)
    assert collect("task-1", provider=provider).outcome is Outcome.ENDED
    assert len(stored().result) == 3
    assert (stored().task_status_msg, stored().refusal) == ("", "")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "url: must be an https URL, got an empty string"),
        (None, "url: must be an https URL, got an empty string"),
        ("/a.png", "url: must be an https URL, got a relative URL"),
        ("file:///etc/passwd", "url: must be an https URL, got file:"),
        ("https://127.0.0.1/", "url: must not be a private, link-local or otherwise internal address"),
    ],
)
def test_an_image_without_a_usable_url_does_not_lose_the_others(provider, pool, url, reason):
    generated()
    images_of(provider)[1]["url"] = url
    assert collect("task-1", provider=provider).reason == f"image 1 of 3: {reason}"
    generated_since(21)
    assert_ends_with_two_of_three(provider, f"image 1 of 3: {reason}")


def test_without_any_usable_url_the_task_is_paid_and_has_no_image(provider, pool):
    generated(21)
    for image in images_of(provider):
        image["url"] = "/a.png"
    collect("task-1", provider=provider)
    assert stored().task_status_msg == ("paid, no image: image 0 of 3: url: must be an https URL, got a relative URL")


@pytest.mark.parametrize("gone", [http_answer(b"", 404), http_answer(b"", 410), http_answer(b"<html>")])
def test_a_link_to_no_image_is_tried_again_for_an_hour_and_then_the_others_are_the_result(provider, pool, gone):
    generated(3_500)
    pool._sources[URLS[2]] = gone
    result = collect("task-1", provider=provider)
    assert result.outcome is Outcome.AGAIN
    assert stored().refusal == result.reason
    assert result.reason.startswith("image 2 of 3: ")
    generated_since(3_700)
    assert_ends_with_two_of_three(provider, result.reason)


def test_links_to_no_image_at_all_fail_the_task_after_an_hour(provider, pool):
    generated(3_700)
    for url in URLS:
        pool._sources[url] = http_answer(b"", 410)
    collect("task-1", provider=provider)
    assert stored().task_status_msg == "paid, no image: image 0 of 3: the provider answered HTTP 410"


def test_at_the_deadline_what_has_arrived_is_the_result(provider, pool):
    generated()
    pool._sources[URLS[0]] = http_answer(b"", 503)
    collect("task-1", provider=provider)
    generated_since(86_500)
    provider.query_errors = [ProviderError(Verdict.RETRY, "no answer")]
    assert collect("task-1", provider=provider).outcome is Outcome.ENDED
    assert (stored().task_status, stored().task_status_msg) == (TaskStatus.SUCCEED, "2 of 3 images; no answer")


def test_images_without_an_index_are_numbered_by_their_place(provider, pool):
    generated()
    for image in images_of(provider):
        image["index"] = None
    collect("task-1", provider=provider)
    assert [image.key for image in stored().result] == [
        "tasks/task-1/0.png",
        "tasks/task-1/1.jpg",
        "tasks/task-1/2.png",
    ]


def test_more_images_than_asked_for_are_all_stored(provider, pool):
    generated()
    images_of(provider).append({"index": 3, "url": URLS[0]})
    collect("task-1", provider=provider)
    assert [image.index for image in stored().result] == [0, 1, 2, 3]
    assert stored().task_status_msg == ""


def watermarked(provider: FakeProvider, pool: HttpPool, answer=None) -> None:
    for number, image in enumerate(images_of(provider)):
        image["watermark_url"] = f"{URLS[number]}-w"
        pool._sources[f"{URLS[number]}-w"] = answer or http_answer(CONTENTS[number])


def test_watermarked_images_are_stored_as_images_of_their_own_if_asked_for(provider, pool):
    generated(watermark=True)
    watermarked(provider, pool)
    assert collect("task-1", provider=provider).outcome is Outcome.ENDED
    task = stored()
    assert [image.watermarked.key for image in task.result if image.watermarked] == [
        "tasks/task-1/0-watermark.png",
        "tasks/task-1/1-watermark.jpg",
        "tasks/task-1/2-watermark.png",
    ]
    [first, *_] = found_view(task, "https://kiln.test").task_result.images
    task_id, token, file = first.watermark_url.split("/")[-3:]
    assert file == "0-watermark.png"
    assert "tasks/task-1/0-watermark.png" in download_address(task_id, token, file, method="GET")
    event = events.status_event(task, "https://kiln.test").detail.model_dump(mode="json")
    assert event["data"]["task_result"]["images"][0]["watermark_key"] == "tasks/task-1/0-watermark.png"


def test_watermarked_images_are_not_stored_unasked(provider, pool):
    generated()
    watermarked(provider, pool)
    collect("task-1", provider=provider)
    assert [image.watermarked for image in stored().result] == [None] * 3
    assert "watermark_url" not in found_view(stored(), "").model_dump()["task_result"]["images"][0]


def test_a_missing_watermark_does_not_lose_the_image(provider, pool):
    generated(watermark=True)
    watermarked(provider, pool, http_answer(b"", 503))
    assert collect("task-1", provider=provider).reason == (
        "image 0 of 3 with watermark: the provider answered HTTP 503"
    )
    generated_since(3_700)
    collect("task-1", provider=provider)
    assert stored().task_status_msg == "3 of 3 images; image 0 of 3 with watermark: the provider answered HTTP 503"
    assert len(stored().result) == 3


def test_additional_fields_are_passed_on_or_kept_in_the_record(provider, pool):
    generated()
    balance = {"quota": "1.5", "list_price": 0.1}
    provider.tasks["task-1"] |= {"final_balance_deduction": balance, "queue_seconds": 7}
    collect("task-1", provider=provider)
    assert found_view(stored(), "").final_balance_deduction == balance
    assert json.loads(stored().provider_fields) == {"queue_seconds": 7}
    assert "queue_seconds" not in events.status_event(stored(), "").model_dump_json()


def test_task_fails_with_its_reason_at_the_deadline(provider, monkeypatch):
    monkeypatch.setenv("COLLECT_DEADLINE_SECONDS", "60")
    generated(61)
    provider.query_errors = [ProviderError(Verdict.RETRY, "no answer")]
    assert collect("task-1", provider=provider).outcome is Outcome.ENDED
    assert stored().task_status_msg == "The generated images could not be copied within 60 s; no answer"


def test_time_before_the_first_attempt_does_not_count(provider):
    """The provider was away, or dispatch was, for longer than collecting may take."""
    generated()
    set_age(dispatched_at=90_000, collecting_at=None)
    provider.query_errors = [ProviderError(Verdict.RETRY, "no answer")]
    result = collect("task-1", provider=provider)
    assert (result.outcome, result.wait) == (Outcome.AGAIN, 2)


@pytest.mark.parametrize("status", ["submitted", "processing", "failed"])
def test_status_that_went_back_fails_at_the_deadline(provider, status, monkeypatch):
    monkeypatch.setenv("COLLECT_DEADLINE_SECONDS", "60")
    generated(61)
    provider.tasks["task-1"]["task_status"] = status
    assert collect("task-1", provider=provider).outcome is Outcome.ENDED
    assert stored().task_status is TaskStatus.FAILED


def test_terminal_task_is_not_collected(provider, pool):
    generated()
    collect("task-1", provider=provider)
    before = stored()
    assert collect("task-1", provider=provider).outcome is Outcome.ENDED
    assert stored() == before
    assert len(provider.queried) == 1


def test_result_fits_into_the_workflows_payload(provider, pool):
    generated()
    assert len(json.dumps(collect("task-1", provider=provider).model_dump(mode="json"))) < 10_000
