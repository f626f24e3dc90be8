"""The search: words of the prompt, beginnings of ids, pages, and the end of what one request reads."""

from __future__ import annotations

from typing import Any

import pytest

from kiln.contract import ListQuery
from kiln.tasks import search
from kiln.tasks.search import Found, TaskSearch
from kiln.tasks.store import TaskStore
from tests.support.samples import admit_task

PROMPTS = ["A cat in the rain", "a Lantern at night", "The CAT and the lantern", "", "雨中的猫，提着灯笼"]


@pytest.fixture(autouse=True)
def _tasks(cloud) -> None:
    for number, prompt in enumerate(PROMPTS, start=1):
        admit_task(f"ada-{number}", prompt=prompt, created_at=number * 1_000)
    admit_task("bob-1", caller="bob", prompt="cat")


def found(text: str, **more: Any) -> list[str]:
    return [task.task_id for task in TaskSearch().matching("ada", ListQuery(search=text, **more)).tasks]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("cat", ["ada-3", "ada-1"]),
        ("LANTERN cat", ["ada-3"]),
        ("lan", ["ada-3", "ada-2"]),
        ("猫", ["ada-5"]),
        ("dog", []),
    ],
)
def test_search_finds_prompts_with_all_words(text, ids):
    assert found(text) == ids


def test_search_finds_the_beginning_of_either_id():
    admit_task("0123456789abcdef", external_task_id="Shoot-42")
    assert found("ada-4") == ["ada-4"]
    assert found("ada") == ["ada-5", "ada-4", "ada-3", "ada-2", "ada-1"]
    assert found("01234") == found("shoot-4") == ["0123456789abcdef"]
    assert found("3456") == []


def test_search_keeps_to_the_other_filters():
    TaskStore().fail(TaskStore().get("ada-1"), "why")
    assert found("cat", task_status="failed") == ["ada-1"]
    assert found("cat", created_after=1_000) == ["ada-3"]
    assert found("cat", created_before=3_000) == ["ada-1"]


def test_matches_are_paged():
    assert [found("ada", page_num=page, page_size=2) for page in (1, 2, 3, 4)] == [
        ["ada-5", "ada-4"],
        ["ada-3", "ada-2"],
        ["ada-1"],
        [],
    ]


def test_search_ends_after_so_many_tasks_and_can_be_continued(monkeypatch):
    monkeypatch.setattr(search, "SEARCHED_TASKS", 2)
    pages: list[Found] = []
    before = None
    while not pages or before is not None:
        pages.append(TaskSearch().matching("ada", ListQuery(search="cat", created_before=before)))
        before = pages[-1].created_before
        assert len(pages) < 9
    assert [task.task_id for page in pages for task in page.tasks] == ["ada-3", "ada-3", "ada-1"]


def test_search_of_a_caller_without_tasks_finds_nothing():
    assert TaskSearch().matching("carol", ListQuery(search="cat")) == Found([])
