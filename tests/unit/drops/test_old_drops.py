"""A drop whose task has expired is not paid for again, whatever else arrives."""

from __future__ import annotations

import json
import time

import pytest

from kiln import aws, s3
from kiln.drops import ledger
from kiln.drops.object_events import object_arrived
from kiln.tasks.store import TaskStore
from tests.support.account import ENVIRONMENT
from tests.support.images import picture
from tests.support.inbox import INBOX, arrived
from tests.support.samples import stored_image

YEAR = 365 * 86_400


def job(name: str, **fields: object) -> dict[str, object]:
    return {"subject_image_list": [{"subject_image": name}], **fields}


@pytest.fixture
def a_year_later(inbox, accepted, monkeypatch):
    """Ends every task and lets a year go by: DynamoDB deletes what has expired by then."""

    def pass_by() -> None:
        for task_id in accepted:
            TaskStore().succeed(TaskStore().get(task_id), [stored_image()], "8")
        now = time.time() + YEAR
        monkeypatch.setattr(time, "time", lambda: now)
        monkeypatch.setattr(time, "time_ns", lambda: int(now * 1e9))
        table = ENVIRONMENT["TABLE_NAME"]
        for item in aws.dynamodb().scan(TableName=table)["Items"]:
            if int(item.get("expires_at", {"N": now * 2})["N"]) < now:
                aws.dynamodb().delete_item(TableName=table, Key={"pk": item["pk"]})
        assert len(accepted) == 0

    return pass_by


@pytest.fixture
def listed(inbox, accepted):
    """A folder with a list of three jobs that share an image."""
    inbox.put("f/cat.png", picture())
    inbox.put("f/dog.png", picture())
    inbox.put("f/job.json", json.dumps([job("cat.png", n=1), job("cat.png", n=2), job("dog.png")]).encode())
    assert len(object_arrived(INBOX, "f/job.json")) == 3


@pytest.mark.parametrize("name", ["todo.txt", "new.png", "below/todo.txt", "cat.png", "job.json"])
def test_old_list_is_not_begun_again_by_a_file(inbox, accepted, listed, a_year_later, name):
    a_year_later()
    if name in ("cat.png", "job.json"):
        object_arrived(INBOX, f"f/{name}")  # S3 reports the old version again.
    else:
        inbox.drop(f"f/{name}", picture())
    inbox.deliver()
    assert len(accepted) == 0


def test_replaced_image_of_an_old_list_begins_its_jobs_alone(inbox, accepted, listed, a_year_later):
    a_year_later()
    inbox.put("f/dog.png", picture(400, 400))
    object_arrived(INBOX, "f/dog.png")
    inbox.deliver()
    assert len(accepted) == 1


def test_old_job_that_is_uploaded_again_begins_again(inbox, accepted, listed, a_year_later):
    a_year_later()
    inbox.put("f/job.json", json.dumps([job("cat.png", n=1)]).encode())
    assert len(object_arrived(INBOX, "f/job.json")) == 1


def test_old_single_image_is_not_begun_again_by_an_old_report(inbox, accepted, a_year_later):
    inbox.drop("cat.png", picture())
    a_year_later()
    assert arrived("cat.png") is None
    assert len(accepted) == 0


def test_old_prompt_folder_is_not_begun_again_by_a_text(inbox, accepted, a_year_later):
    inbox.put("f/cat.png", picture())
    inbox.drop("f/prompt.txt", b"A cat")
    inbox.deliver()
    assert len(accepted) == 1
    a_year_later()
    inbox.drop("f/todo.txt", b"milk")
    inbox.deliver()
    assert len(accepted) == 0


@pytest.mark.parametrize("name", ["job.json", "prompt.txt"])
def test_old_drop_of_which_nothing_is_known_is_not_begun_again(inbox, accepted, a_year_later, name):
    """The release before did not remember drops for longer than their tasks."""
    inbox.put("f/cat.png", picture())
    inbox.drop(f"f/{name}", json.dumps(job("cat.png")).encode())
    inbox.deliver()
    a_year_later()
    for item in aws.dynamodb().scan(TableName=ENVIRONMENT["TABLE_NAME"])["Items"]:
        aws.dynamodb().delete_item(TableName=ENVIRONMENT["TABLE_NAME"], Key={"pk": item["pk"]})
    for each in ("f/todo.txt", "f/below/todo.txt"):
        inbox.drop(each, b"milk")
        inbox.deliver()
    assert len(accepted) == 0


def test_drop_is_remembered_until_the_inbox_deletes_it(cloud, accepted, monkeypatch):
    known = ledger.DropLedger()
    ends = int(time.time()) + YEAR
    for folder, expires_at, expected in (("f", None, ledger.FOREVER), ("g", ends, ends + 7 * 86_400)):
        known.expect(folder, "task", 1, made=ledger.Made("content", "1", expires_at))
        known.note(folder, job="job.json")
        known.expect(folder, ledger.REFUSED, 2)
        [item] = [each for each in _drops() if each["pk"] == ledger.items.drop_key(folder)["pk"]]
        assert int(item["expires_at"]["N"]) == expected


def _drops():
    return aws.dynamodb().scan(TableName=ENVIRONMENT["TABLE_NAME"])["Items"]


@pytest.mark.parametrize(
    ("header", "expires_at"),
    [
        ('expiry-date="Fri, 21 Dec 2012 00:00:00 GMT", rule-id="expire"', 1_356_048_000),
        ('expiry-date="soon"', None),
        ("", None),
    ],
)
def test_expiry_of_an_object_is_read_from_its_header(header, expires_at):
    assert s3._expiry(header) == expires_at
