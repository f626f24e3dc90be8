"""A folder whose job is missing or misnamed is answered, once its files had time to arrive."""

from __future__ import annotations

import json

import pytest

from kiln.drops import later
from kiln.drops.check import check_folder
from kiln.drops.reader import InboxReader
from kiln.tasks.store import TaskStore
from tests.support.images import picture
from tests.support.inbox import INBOX, arrived, last_look

JOB = json.dumps({"prompt": "A cat", "subject_image_list": [{"subject_image": "cat.png"}]}).encode()


def test_images_without_a_job_are_answered_with_a_job_that_would_do(inbox, accepted):
    for name in ("cat.png", "dog.jpg", "scene.jpg"):
        inbox.drop(f"f/{name}", picture())
    inbox.deliver()
    answer = inbox.result("f")
    assert answer["code"] == 1201
    assert answer["message"] == (
        "job.json: is missing, got 3 images and no description of the job; "
        "add a prompt.txt with a prompt, or the job.json below"
    )
    assert len(accepted) == 0
    inbox.put("f/job.json", json.dumps(answer["job.json"]).encode())
    task = arrived("f/job.json")
    assert task is not None
    assert [each.key for each in task.inputs] == ["f/cat.png", "f/dog.jpg", "f/scene.jpg"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("job.json.txt", "job.json: must be the name of the file, got 'job.json.txt'; rename it to job.json"),
        ("job (1).json", "job.json: must be the name of the file, got 'job (1).json'; rename it to job.json"),
        ("jobs.json", "job.json: must be the name of the file, got 'jobs.json'; rename it to job.json"),
        ("job.yaml", "job.json: must be the name of the file, got 'job.yaml'; write it as JSON"),
        ("promt.txt", "prompt.txt: must be the name of the file, got 'promt.txt'; rename it to prompt.txt"),
    ],
)
def test_misnamed_job_file_is_named(inbox, name, message):
    inbox.drop("f/cat.png", picture())
    inbox.drop(f"f/{name}", JOB)
    inbox.deliver()
    assert inbox.result("f")["message"] == message


@pytest.mark.parametrize("order", [("JOB.JSON", "cat.png"), ("cat.png", "JOB.JSON")], ids=",".join)
def test_job_file_in_upper_case_is_read(inbox, accepted, order):
    for name in order:
        inbox.drop(f"f/{name}", JOB if name == "JOB.JSON" else picture())
    assert len(accepted) == 1


def test_job_file_in_upper_case_and_its_defaults_are_found_by_a_check(inbox, accepted):
    inbox.put("f/Job.Json", JOB)
    inbox.put("f/cat.png", picture())
    assert last_look("f") is not None


def test_folder_with_other_files_alone_is_answered(inbox):
    inbox.drop("f/pictures.zip", b"PK")
    inbox.deliver()
    answer = inbox.result("f")
    assert "got no images" in answer["message"]
    assert answer["job.json"]["subject_image_list"] == [{"subject_image": "picture.jpg"}]


def test_defaults_without_a_job_are_answered(inbox):
    inbox.drop("f/defaults.json", b"{}")
    inbox.deliver()
    assert inbox.result("f")["message"].startswith("job.json: is missing, got no images")


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "__MACOSX/._cat.png", "~$notes.docx", "cat.png.part"])
def test_system_files_are_not_answered_and_not_read(inbox, calls, name):
    inbox.drop(f"f/{name}", b"x")
    calls.clear()
    for key in (f"f/{name}", name):
        arrived(key)
    assert calls == []
    inbox.deliver()
    assert inbox.names() == []


def test_system_files_beside_a_job_are_no_inputs_of_a_prompt_folder(inbox, accepted):
    inbox.put("f/._cat.png", b"x")
    inbox.put("f/cat.png", picture())
    inbox.drop("f/prompt.txt", b"A cat")
    inbox.deliver()
    [task_id] = accepted
    assert len(TaskStore().get(task_id).inputs) == 1


def test_files_below_a_jobs_folder_are_not_answered(inbox, accepted):
    inbox.drop("f/job.json", JOB)
    inbox.drop("f/cat.png", picture())
    inbox.drop("f/rejected/dog.png", picture())
    inbox.deliver()
    assert len(accepted) == 1
    assert inbox.names() == []


def test_files_before_the_job_above_them_are_not_answered(inbox, accepted):
    job = {"subject_image_list": [{"subject_image": "images/cat.png"}]}
    inbox.drop("f/images/cat.png", picture())
    inbox.put("f/job.json", json.dumps(job).encode())
    inbox.deliver()
    assert len(accepted) == 1
    assert inbox.names() == []


def test_folder_that_still_receives_files_is_not_answered_yet(inbox, monkeypatch, stopped_clock):
    monkeypatch.setenv("DROP_WAIT_SECONDS", "2")
    inbox.put("f/cat.png", picture())
    last_look("f")
    assert inbox.result("f") is None
    stopped_clock.advance(2.1)
    inbox.deliver()
    assert inbox.result("f")["code"] == 1201


def test_folder_that_never_pauses_is_answered_after_twelve_checks(inbox, monkeypatch):
    monkeypatch.setenv("DROP_WAIT_SECONDS", "900")
    inbox.put("f/cat.png", picture())
    for checks in range(later.MOST_CHECKS):
        check_folder(InboxReader(), INBOX, "f", checks)
        assert inbox.result("f") is None
    check_folder(InboxReader(), INBOX, "f", later.MOST_CHECKS)
    assert inbox.result("f")["code"] == 1201


def test_answered_folder_is_a_task_once_its_job_arrives(inbox, accepted):
    inbox.drop("f/cat.png", picture())
    inbox.deliver()
    assert inbox.result("f")["code"] == 1201
    inbox.drop("f/job.json", JOB)
    assert len(accepted) == 1


def test_message_that_is_lost_after_it_was_sent_is_not_lost(inbox, monkeypatch):
    """The message is sent before the ledger knows of it, so a crash in between costs one message more."""
    monkeypatch.setattr(later.DropLedger, "check_scheduled", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        inbox.drop("f/cat.png", picture())
    monkeypatch.undo()
    inbox.deliver()
    assert inbox.result("f")["code"] == 1201


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("notes.txt", "; drop a JPEG or PNG image"),
        ("clip.mp4", "; drop a JPEG or PNG image"),
        ("pictures.zip", "; unpack it, and drop the folder"),
        ("job (1).json", "; a prompt.txt or job.json belongs in a folder, together with its images"),
    ],
)
def test_file_at_the_top_that_is_no_image_is_answered_with_what_to_do(inbox, name, hint):
    inbox.drop(name, b"\0\0\0 ftypmp42")
    assert inbox.result(name)["message"].endswith(hint)


@pytest.mark.parametrize("name", ["job.json", "JOB.json", "prompt.txt", "defaults.json"])
def test_job_file_at_the_top_is_answered(inbox, name):
    inbox.drop(name, JOB)
    assert inbox.result(name)["message"] == (
        f"{name}: must be in a folder together with its images, got one at the top"
    )
