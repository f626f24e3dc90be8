"""Folders whose ``job.json`` lists several jobs: a task each, an answer each, and all of them together at the end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kiln import clock, events
from kiln.auth.callers import Caller
from kiln.deletion import delete
from kiln.drops.object_events import object_arrived
from kiln.drops.result_file import write_result
from kiln.retry import retry
from kiln.tasks import items
from kiln.tasks.batches import Batches
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task
from tests.support.account import ENVIRONMENT
from tests.support.images import picture
from tests.support.inbox import INBOX
from tests.support.samples import stored_image


def jobs(*bodies: dict[str, Any]) -> bytes:
    return json.dumps(list(bodies)).encode()


def job(name: str, **fields: Any) -> dict[str, Any]:
    return {"subject_image_list": [{"subject_image": name}], **fields}


def dropped(inbox, content: bytes) -> list[Task]:
    inbox.put("f/job.json", content)
    return object_arrived(INBOX, "f/job.json")


def fails(task: Task) -> None:
    TaskStore().fail(task, task.prompt)
    write_result(TaskStore().get(task.task_id), "https://kiln.test")


def succeeds(task: Task) -> None:
    TaskStore().succeed(task, [stored_image()], task.prompt)
    write_result(TaskStore().get(task.task_id), "https://kiln.test")


def together(inbox) -> list[str]:
    """The reason of each job in the folder's own answer."""
    return [each["data"]["task_status_msg"] for each in inbox.result("f")["data"]]


def named(*prompts: str) -> list[dict[str, Any]]:
    return [job("https://a.test/1", prompt=prompt) for prompt in prompts]


@pytest.mark.parametrize("form", ["list", "object"])
def test_list_of_jobs_makes_one_task_each(inbox, accepted, form):
    inbox.put("f/cat.png", picture())
    bodies = [job("cat.png", prompt="one"), job("cat.png", prompt="two"), job("https://a.test/1", prompt="three")]
    inbox.put("f/job.json", json.dumps(bodies if form == "list" else {"jobs": bodies}).encode())
    made = object_arrived(INBOX, "f/job.json")
    assert [task.prompt for task in made] == ["one", "two", "three"]
    assert [(task.origin.folder, task.origin.part, task.origin.parts) for task in made] == [
        ("f/1", 1, 3),
        ("f/2", 2, 3),
        ("f/3", 3, 3),
    ]
    assert len({task.origin.batch for task in made}) == 1
    assert object_arrived(INBOX, "f/cat.png") == made[:2]
    assert len(accepted) == 3


def test_job_of_a_list_waits_for_its_own_files_only(inbox, accepted):
    inbox.put("f/cat.png", picture())
    inbox.put("f/job.json", jobs(job("cat.png"), job("dog.png")))
    assert len(object_arrived(INBOX, "f/job.json")) == 1
    assert len(inbox.to_check_again()) == 1
    inbox.put("f/dog.png", picture())
    assert len(object_arrived(INBOX, "f/dog.png")) == 1
    assert len(accepted) == 2


def test_wrong_job_of_a_list_does_not_stop_the_others(inbox, accepted):
    inbox.put("f/job.json", jobs(job("https://a.test/1"), job("https://a.test/1", n=10), job("../cat.png")))
    [task] = object_arrived(INBOX, "f/job.json")
    assert task.origin.part == 1
    assert inbox.result("f/1") is None
    assert inbox.result("f/2")["message"] == "n: must be at most 9, got 10"
    assert inbox.result("f/3")["message"].startswith("job.json: must name files within its folder")
    assert inbox.result("f") is None


def test_folder_defaults_fill_missing_fields_of_jobs(inbox):
    inbox.put("f/defaults.json", json.dumps({"n": 2, "prompt": "default", "scene_image": "cat.png"}).encode())
    inbox.put("f/cat.png", picture())
    inbox.put("f/job.json", jobs(job("cat.png"), job("cat.png", prompt="own", n=1)))
    made = object_arrived(INBOX, "f/job.json")
    assert [(task.prompt, task.n, len(task.inputs)) for task in made] == [("default", 2, 2), ("own", 1, 2)]


@pytest.mark.parametrize("content", [b"[]", b"{", b"null"])
def test_wrong_defaults_are_refused(inbox, accepted, content):
    inbox.put("f/defaults.json", content)
    assert inbox.drop("f/job.json", jobs(job("https://a.test/1"))) is None
    assert inbox.result("f")["message"].startswith("defaults.json: must be ")
    assert len(accepted) == 0


def test_list_of_101_jobs_is_refused(inbox, accepted):
    assert inbox.drop("f/job.json", jobs(*[job("https://a.test/1")] * 101)) is None
    assert inbox.result("f")["message"] == "job.json: must list 1 to 100 jobs, got 101"
    assert len(accepted) == 0


def test_equal_jobs_of_a_list_are_separate_tasks(inbox, accepted):
    inbox.put("f/job.json", jobs(job("https://a.test/1"), job("https://a.test/1")))
    assert len(object_arrived(INBOX, "f/job.json")) == 2
    assert len(accepted) == 2


def test_finished_list_has_one_combined_result_file(inbox):
    inbox.put("f/job.json", jobs(job("https://a.test/1"), job("https://a.test/2"), job("https://a.test/3", n=10)))
    first, second = object_arrived(INBOX, "f/job.json")
    for task in (second, first):
        assert inbox.result("f") is None
        TaskStore().fail(task, f"why {task.origin.part}")
        write_result(TaskStore().get(task.task_id), "https://kiln.test")
        write_result(TaskStore().get(task.task_id), "https://kiln.test")  # A step may be repeated.
    together = inbox.result("f")
    assert (together["code"], len(together["data"])) == (5000, 3)
    assert together["message"] == "3 of 3 jobs have failed: number 1, 2, 3; data says why"
    assert [each.get("data", each).get("task_status_msg", each["message"]) for each in together["data"]] == [
        "why 1",
        "why 2",
        "n: must be at most 9, got 10",
    ]


def test_older_list_does_not_replace_a_newer_result_file(inbox):
    first, second = dropped(inbox, jobs(*named("a", "b")))
    fails(first)
    [newer] = dropped(inbox, json.dumps(named("c")[0]).encode())
    fails(newer)
    fails(second)
    assert inbox.result("f")["request_id"] == newer.task_id
    assert inbox.result("f/2")["request_id"] == second.task_id


def test_older_list_does_not_replace_a_shorter_lists_result_file(inbox):
    first, second = dropped(inbox, jobs(*named("a", "b")))
    fails(first)
    [newer] = dropped(inbox, jobs(*named("c")))
    fails(newer)
    fails(second)
    assert together(inbox) == ["c"]


def test_job_shared_by_two_lists_counts_for_the_newer(inbox):
    shared, older = dropped(inbox, jobs(*named("a", "b")))
    same, newer = dropped(inbox, jobs(*named("a", "c")))
    assert same.task_id == shared.task_id
    for task in (older, newer, shared):
        assert inbox.result("f") is None
        fails(task)
    assert together(inbox) == ["a", "c"]


def test_list_dropped_again_restores_its_result_files(inbox, accepted):
    ended: set[str] = set()
    for prompts in (("a", "b"), ("a", "c"), ("a", "b")):
        for task in dropped(inbox, jobs(*named(*prompts))):
            if task.task_id not in ended:
                succeeds(task)
                ended.add(task.task_id)
        assert [each["data"]["final_unit_deduction"] for each in inbox.result("f")["data"]] == list(prompts)
    assert len(accepted) == 3


def test_failed_jobs_of_a_list_are_retried_and_join_the_others(inbox, accepted):
    first, second = dropped(inbox, jobs(*named("a", "b")))
    succeeds(first)
    fails(second)
    same, again = dropped(inbox, jobs(*named("a", "b")))
    assert (same.task_id, again.task_id != second.task_id) == (first.task_id, True)
    succeeds(again)
    assert [each["request_id"] for each in inbox.result("f")["data"]] == [first.task_id, again.task_id]
    assert len(accepted) == 3


def test_retried_job_joins_the_combined_result_file(inbox):
    first, second = dropped(inbox, jobs(*named("a", "b")))
    fails(first)
    fails(second)
    again = retry(Caller(name="inbox"), second.task_id)
    object_arrived(INBOX, "f/job.json")
    fails(again)
    assert [each["request_id"] for each in inbox.result("f")["data"]] == [first.task_id, again.task_id]


def test_deleted_result_files_of_a_list_are_written_again(inbox, monkeypatch):
    made = dropped(inbox, jobs(*named("a", "b")))
    for task in made:
        fails(task)
    inbox.forget_answers()
    ended_at = max(TaskStore().get(task.task_id).updated_at for task in made)
    monkeypatch.setattr(clock, "milliseconds", lambda: ended_at + 3_600_000)
    object_arrived(INBOX, "f/job.json")
    assert together(inbox) == ["a", "b"]


def test_list_accepted_by_the_previous_release_is_combined(inbox):
    """It has not been noted as the folder's newest."""
    first, second = dropped(inbox, jobs(*named("a", "b")))
    inbox.dynamodb.delete_item(TableName=ENVIRONMENT["TABLE_NAME"], Key=items.drop_key("f"))
    fails(second)
    fails(first)
    assert together(inbox) == ["a", "b"]


def deleted(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "publish", lambda *_: None)
    delete(task.caller, task.task_id)


def test_answer_to_a_list_keeps_no_link_of_a_deleted_task(inbox, accepted, monkeypatch):
    first, second = dropped(inbox, jobs(*named("one", "two")))
    succeeds(first)
    fails(second)
    before = inbox.result("f")
    assert "/v1/results/" in json.dumps(before["data"][0])
    deleted(first, monkeypatch)
    after = inbox.result("f")
    assert "/v1/results/" not in json.dumps(after)
    assert after | {"data": 0} == before | {"data": 0}
    assert after["data"][1] == before["data"][1]
    marked = after["data"][0]
    assert (marked["code"], marked["message"], marked["request_id"]) == (0, "the task was deleted", first.task_id)
    assert marked["data"]["deleted_at"]
    assert inbox.result("f/1") == marked


@pytest.mark.parametrize("is_notified", [True, False])
def test_list_with_a_deleted_task_is_answered_and_finished(inbox, accepted, monkeypatch, is_notified):
    first, second = dropped(inbox, jobs(*named("one", "two")))
    TaskStore().succeed(first, [stored_image()], "1")
    if is_notified:
        write_result(TaskStore().get(first.task_id), "https://kiln.test")
    deleted(first, monkeypatch)
    succeeds(second)
    assert [each["request_id"] for each in inbox.result("f")["data"]] == [first.task_id, second.task_id]
    assert Batches().get(first.origin.batch).finished_at


def test_deleted_task_of_an_older_list_changes_no_answer(inbox, accepted, monkeypatch):
    (old,) = dropped(inbox, jobs(*named("old")))
    succeeds(old)
    for task in dropped(inbox, jobs(*named("one", "two"))):
        succeeds(task)
    before = inbox.result("f")
    deleted(old, monkeypatch)
    assert inbox.result("f") == before
