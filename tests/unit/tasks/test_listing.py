"""The list: newest first, a page a range of numbers, whatever holes there are in them."""

from __future__ import annotations

from typing import Any

import pytest

from kiln import aws
from kiln.contract import ListQuery, TaskStatus
from kiln.tasks import items
from kiln.tasks.listing import TaskList
from kiln.tasks.store import TaskStore
from kiln.tasks.views import found_view
from tests.support.samples import admit_task, stored_image


@pytest.fixture
def store(cloud) -> TaskStore:
    return TaskStore()


def fill(store: TaskStore, count: int, caller: str = "ada") -> None:
    for number in range(1, count + 1):
        admit_task(f"{caller}-{number}", caller=caller)


def listed(page_num: int, page_size: int, caller: str = "ada", **filters: Any) -> list[str]:
    asked = ListQuery(page_num=page_num, page_size=page_size, **filters)
    return [task.task_id for task in TaskList().page(caller, asked)]


def test_caller_without_tasks_has_an_empty_list(store):
    assert listed(1, 30) == []
    assert listed(1_000, 500) == []


def test_pages_follow_one_another_newest_first(store):
    fill(store, 7)
    assert listed(1, 3) == ["ada-7", "ada-6", "ada-5"]
    assert listed(2, 3) == ["ada-4", "ada-3", "ada-2"]
    assert listed(3, 3) == ["ada-1"]
    assert listed(4, 3) == []
    assert listed(1_000, 500) == []
    assert listed(1, 7) == [f"ada-{number}" for number in range(7, 0, -1)]
    assert listed(1, 500) == listed(1, 7)


def test_every_task_is_on_exactly_one_page(store):
    fill(store, 11)
    for size in (1, 2, 5, 10, 11, 12):
        pages = [name for page in range(1, 11 // size + 2) for name in listed(page, size)]
        assert pages == [f"ada-{number}" for number in range(11, 0, -1)]


def test_callers_have_lists_of_their_own(store):
    fill(store, 2)
    fill(store, 3, "bob")
    assert listed(1, 30) == ["ada-2", "ada-1"]
    assert listed(1, 30, "bob") == ["bob-3", "bob-2", "bob-1"]


def test_numbers_that_were_not_used_leave_a_page_short_and_shift_no_other(store):
    fill(store, 2)
    for _ in range(3):
        admit_task("ada-1")  # It is there already: its number is spent all the same.
    admit_task("ada-6")
    assert [listed(page, 2) for page in (1, 2, 3, 4)] == [["ada-6"], [], ["ada-2", "ada-1"], []]


@pytest.fixture
def hourly(store) -> TaskStore:
    """Nine tasks, an hour apart, every third failed; numbers 4 and 5 have expired."""
    for number in range(1, 10):
        task = admit_task(f"ada-{number}", created_at=number * 3_600_000)
        if number % 3 == 0:
            store.fail(task, "why")
        if number in (4, 5):
            aws.dynamodb().delete_item(TableName="kiln-table", Key=items.task_key(task.task_id))
    return store


def test_filters_by_time_exclude_their_moments(hourly):
    hour = 3_600_000
    assert listed(1, 30, created_after=7 * hour) == ["ada-9", "ada-8"]
    assert listed(1, 30, created_after=7 * hour - 1) == ["ada-9", "ada-8", "ada-7"]
    assert listed(1, 30, created_before=3 * hour) == ["ada-2", "ada-1"]
    assert listed(1, 30, created_before=3 * hour + 1) == ["ada-3", "ada-2", "ada-1"]
    assert listed(1, 30, created_after=2 * hour, created_before=7 * hour) == ["ada-6", "ada-3"]
    assert listed(1, 30, created_after=9 * hour) == []
    assert listed(1, 30, created_before=hour) == []
    assert listed(1, 30, created_after=5 * hour, created_before=4 * hour) == []
    assert listed(1, 30, created_after=0, created_before=10**15) == listed(1, 30)


def test_filters_by_time_are_paged(hourly):
    hour = 3_600_000
    pages = [listed(page, 2, created_after=2 * hour, created_before=9 * hour) for page in (1, 2, 3, 4)]
    assert pages == [["ada-8", "ada-7"], ["ada-6"], ["ada-3"], []]


def test_a_filter_by_status_fills_its_pages(hourly):
    assert listed(1, 2, task_status="failed") == ["ada-9", "ada-6"]
    assert listed(2, 2, task_status="failed") == ["ada-3"]
    assert listed(3, 2, task_status="failed") == []
    assert listed(1, 30, task_status="succeed") == []
    assert listed(1, 30, task_status="failed", created_before=9 * 3_600_000) == ["ada-6", "ada-3"]


def test_filter_by_status_follows_every_change(store):
    waiting, running, done, cancelled = (admit_task(f"ada-{number}") for number in range(1, 5))
    store.process(running)
    store.succeed(done, [stored_image()], "16")
    store.cancel(cancelled, "why")
    admit_task("bob-1", caller="bob")
    for task, status in ((waiting, "submitted"), (running, "processing"), (done, "succeed"), (cancelled, "failed")):
        assert listed(1, 30, task_status=status) == [task.task_id]


def test_filter_by_status_reads_its_page_and_not_the_history(store, cloud):
    fill(store, 150)
    store.fail(store.get("ada-3"), "why")
    calls: list[str] = []

    def count(model, **_):
        calls.append(model.name)

    cloud.dynamodb.meta.events.register("before-call.dynamodb", count, unique_id="count")
    assert listed(1, 1, task_status="failed") == ["ada-3"]
    assert calls == ["GetItem", "Query", "BatchGetItem"]
    calls.clear()
    assert len(listed(1, 120, task_status="submitted")) == 120
    cloud.dynamodb.meta.events.unregister("before-call.dynamodb", unique_id="count")
    assert calls == ["GetItem", "Query", "BatchGetItem", "BatchGetItem"]


def test_list_answers_from_the_index_alone(store):
    task = admit_task("ada-1", external_task_id="mine", watermark=True)
    plain = stored_image().model_dump(exclude={"index"})
    store.succeed(
        task, [stored_image(watermarked=plain)], "16", "1 of 2 images", final_balance_deduction='{"quota": "1.5"}'
    )
    [found] = TaskList().page("ada", ListQuery())
    view = found_view(found, "https://kiln.test")
    assert view == found_view(store.get("ada-1"), "https://kiln.test")
    assert view.task_result.images[0].watermark_url
    assert view.final_balance_deduction == {"quota": "1.5"}
    assert view.task_status_msg == "1 of 2 images"
    assert found.task_status is TaskStatus.SUCCEED


def test_a_list_longer_than_one_answer_of_dynamodb_is_read_to_its_end(store, cloud):
    answers = []
    count = "after-call.dynamodb.Query"
    cloud.dynamodb.meta.events.register(count, lambda **answer: answers.append(answer), unique_id="count")
    images = [stored_image(index, key="k" * 30_000) for index in range(9)]
    for number in range(1, 7):
        store.succeed(admit_task(f"ada-{number}", n=9), images, "144")
    assert len(listed(1, 500)) == 6
    cloud.dynamodb.meta.events.unregister(count, unique_id="count")
    assert len(answers) == 2
