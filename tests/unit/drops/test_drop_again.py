"""Repeated drops: a repeated event is the same task, and a new drop after a failure is a new attempt."""

from __future__ import annotations

import json

import pytest

from kiln import clock, events
from kiln.auth.callers import Caller
from kiln.contract import TaskStatus
from kiln.deletion import delete
from kiln.drops import attempts, reader
from kiln.drops.result_file import write_result
from kiln.errors import RetryRefused
from kiln.retry import retry
from kiln.tasks import items
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task
from tests.support.account import ENVIRONMENT
from tests.support.images import picture
from tests.support.inbox import arrived
from tests.support.samples import stored_image

JOB = {"prompt": "A cat", "subject_image_list": [{"subject_image": "cat.png"}]}
FILES = {"job.json": json.dumps(JOB).encode(), "cat.png": picture()}
DROPS = Caller(name="inbox")


def dropped(inbox, **changes) -> Task:
    """The task of a folder that is dropped for the first time."""
    inbox.put("f/cat.png", FILES["cat.png"])
    return inbox.drop("f/job.json", json.dumps({**JOB, **changes}).encode())


def publish(task: Task) -> None:
    """Writes the result file, as ``Notify`` does at a task's end."""
    write_result(TaskStore().get(task.task_id), "https://kiln.test")


def fails(task: Task) -> None:
    TaskStore().fail(task, "The provider was not amused")
    publish(task)


def succeeds(task: Task) -> None:
    TaskStore().succeed(task, [stored_image()], "16")
    publish(task)


def test_failed_drop_is_retried_when_its_job_is_dropped_again(inbox, accepted):
    made = [inbox.drop(f"f/{name}", content) for name, content in FILES.items()]
    [first] = [each for each in made if each]
    TaskStore().fail(first, "The provider was not amused")
    assert {arrived(f"f/{name}").task_id for name in FILES} == {first.task_id}, "a repeated event of the same version"
    assert inbox.drop("f/cat.png", FILES["cat.png"]).task_id == first.task_id, "its job is still the old one"
    again = inbox.drop("f/job.json", FILES["job.json"])
    assert again.task_id != first.task_id
    assert {arrived(f"f/{name}").task_id for name in FILES} == {again.task_id}
    assert len(accepted) == 2


def test_succeeded_drop_is_not_generated_again(inbox, accepted):
    made = [inbox.drop(f"f/{name}", content) for name, content in FILES.items()]
    [first] = [each for each in made if each]
    TaskStore().succeed(first, [stored_image()], "16")
    assert inbox.drop("f/job.json", FILES["job.json"]).task_id == first.task_id
    assert len(accepted) == 1


def test_deleted_drop_is_generated_again_when_it_is_dropped_again(inbox, accepted, monkeypatch):
    monkeypatch.setattr(events, "publish", lambda *_: None)
    first = dropped(inbox)
    succeeds(first)
    delete("inbox", first.task_id)
    assert arrived("f/job.json").task_id == first.task_id, "a repeated event of the same version"
    assert inbox.result("f") is None
    again = inbox.drop("f/job.json", FILES["job.json"])
    assert again.task_id != first.task_id
    assert len(accepted) == 2


def test_late_event_does_not_run_a_finished_task_again(inbox, accepted):
    task = inbox.drop("cat.png", picture())
    assert task is not None
    TaskStore().fail(task, "why")
    again = arrived("cat.png")
    assert again is not None
    assert again.task_status is TaskStatus.FAILED
    assert len(accepted) == 1
    assert inbox.result("cat.png") is None


def test_content_dropped_again_restores_its_result_file(inbox, accepted):
    """The links stay as they were written: the function that restores the file does not know the API's address."""
    older = inbox.drop("cat.png", picture(400, 400))
    TaskStore().succeed(older, [stored_image()], "8")
    write_result(TaskStore().get(older.task_id), "https://kiln.test")
    written = inbox.result("cat.png")
    newer = inbox.drop("cat.png", picture(500, 500))
    TaskStore().succeed(newer, [stored_image()], "16")
    write_result(TaskStore().get(newer.task_id), "https://kiln.test")
    assert inbox.result("cat.png")["data"]["final_unit_deduction"] == "16"
    inbox.drop("cat.png", picture(400, 400))
    assert inbox.result("cat.png") == written
    assert len(accepted) == 2


@pytest.mark.parametrize("end", [succeeds, lambda _: None], ids=["has succeeded", "runs"])
def test_third_drop_finds_the_second_attempt(inbox, accepted, end):
    fails(dropped(inbox))
    second = inbox.drop("f/job.json", FILES["job.json"])
    end(second)
    assert inbox.drop("f/job.json", FILES["job.json"]).task_id == second.task_id
    assert len(accepted) == 2


def test_each_version_of_a_failing_job_is_attempted_once(inbox, accepted):
    tried = [dropped(inbox)]
    for attempt in range(2, 5):
        fails(tried[-1])
        tried.append(inbox.drop("f/job.json", FILES["job.json"]))
        assert {arrived(f"f/{name}").task_id for name in FILES} == {tried[-1].task_id}
        assert len(accepted) == attempt
    succeeds(tried[-1])
    assert inbox.result("f")["data"]["task_status"] == "succeed"


def test_version_read_before_the_last_failure_is_not_attempted(inbox, accepted, monkeypatch):
    """A function that was held up knows an older ``job.json`` than others have acted on."""
    first = dropped(inbox)
    old = reader.read_jobs("kiln-inbox", "f")
    fails(first)
    fails(inbox.drop("f/job.json", FILES["job.json"]))
    monkeypatch.setattr(reader, "read_jobs", lambda *_: old)
    arrived("f/job.json")
    assert len(accepted) == 2


def test_content_dropped_after_its_task_expired_has_separate_attempts(inbox, accepted, monkeypatch):
    first = dropped(inbox)
    fails(first)
    fails(inbox.drop("f/job.json", FILES["job.json"]))
    key = items.task_key(first.task_id)
    inbox.dynamodb.delete_item(TableName=ENVIRONMENT["TABLE_NAME"], Key=key)
    monkeypatch.setattr(clock, "milliseconds", lambda: first.created_at + 91 * 86_400_000)
    again = inbox.drop("f/job.json", FILES["job.json"])
    assert again.task_id == first.task_id
    succeeds(again)
    assert arrived("f/cat.png").task_status is TaskStatus.SUCCEED
    assert len(accepted) == 2


def test_external_id_belongs_to_the_first_attempt_only(inbox, accepted):
    first = dropped(inbox, external_task_id="mine")
    fails(first)
    again = inbox.drop("f/job.json", json.dumps({**JOB, "external_task_id": "mine"}).encode())
    assert (first.external_task_id, again.external_task_id) == ("mine", "")
    succeeds(again)
    assert inbox.result("f")["request_id"] == again.task_id


@pytest.mark.parametrize("when", ["while it runs", "when it has succeeded"])
@pytest.mark.parametrize("end", [fails, succeeds], ids=["failed", "succeeded"])
def test_retry_is_the_newest_attempt_whatever_arrives(inbox, accepted, end, when):
    first = dropped(inbox)
    end(first)
    again = retry(DROPS, first.task_id)
    if when == "while it runs":
        assert {arrived(f"f/{name}").task_id for name in FILES} == {again.task_id}
        succeeds(again)
    else:
        succeeds(again)
        assert {arrived(f"f/{name}").task_id for name in FILES} == {again.task_id}
    assert inbox.result("f")["request_id"] == again.task_id
    assert inbox.drop("f/job.json", FILES["job.json"]).task_id == again.task_id
    assert len(accepted) == 2


def test_failed_retry_is_attempted_again_only_when_the_job_is_dropped_again(inbox, accepted):
    first = dropped(inbox)
    fails(first)
    fails(retry(DROPS, first.task_id))
    arrived("f/job.json")
    assert len(accepted) == 2
    inbox.drop("f/job.json", FILES["job.json"])
    assert len(accepted) == 3


def test_retry_before_the_drop_is_processed_is_its_task(inbox, accepted, monkeypatch):
    first = dropped(inbox)
    fails(first)
    inbox.put("f/job.json", FILES["job.json"])
    accept = attempts.accept

    def later(*given, **named):
        retry(DROPS, first.task_id, idempotency_key="once")
        return accept(*given, **named)

    monkeypatch.setattr(attempts, "accept", later)
    again = arrived("f/job.json")
    assert again.task_id == attempts.next_id(first)
    assert len(accepted) == 2
    succeeds(again)
    assert inbox.result("f")["request_id"] == again.task_id


def test_retry_is_refused_while_a_drop_has_a_newer_attempt(inbox, accepted):
    first = dropped(inbox)
    fails(first)
    again = inbox.drop("f/job.json", FILES["job.json"])
    with pytest.raises(RetryRefused, match=again.task_id):
        retry(DROPS, first.task_id)
    assert len(accepted) == 2


def test_deleted_result_file_is_written_again(inbox, accepted, monkeypatch):
    first = dropped(inbox)
    succeeds(first)
    inbox.forget_answers()
    ended_at = TaskStore().get(first.task_id).updated_at
    monkeypatch.setattr(clock, "milliseconds", lambda: ended_at + 3_600_000)
    inbox.drop("f/job.json", FILES["job.json"])
    answer = inbox.result("f")
    assert (answer["code"], answer["data"]["task_status"]) == (0, "succeed")
    assert answer["data"]["task_result"]["images"][0]["key"] == stored_image().key
    assert len(accepted) == 1


def test_old_result_file_does_not_replace_newer_contents(inbox, monkeypatch):
    older = inbox.drop("cat.png", picture(400, 400))
    succeeds(older)
    newer = inbox.drop("cat.png", picture(500, 500))
    succeeds(newer)
    # A function that was held up looked at the inbox before the newer content came.
    monkeypatch.setattr(clock, "milliseconds", lambda: older.created_at - 1)
    inbox.drop("cat.png", picture(400, 400))
    assert inbox.result("cat.png")["request_id"] == newer.task_id
