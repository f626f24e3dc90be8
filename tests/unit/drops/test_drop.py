"""The drop protocol: a folder is one task in any order of its files, and the outbox has the reason of a refusal."""

from __future__ import annotations

import itertools
import json
import time

import pytest

from kiln.drops.result_file import write_result
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Origin
from tests.support.images import in_base64, picture
from tests.support.inbox import INBOX, arrived, last_look

JOB = {"prompt": "A cat", "subject_image_list": [{"subject_image": "cat.png"}], "scene_image": "harbour 1.jpg"}
FILES = {"job.json": json.dumps(JOB).encode(), "cat.png": picture(), "harbour 1.jpg": picture(form="JPEG")}


@pytest.mark.parametrize("order", list(itertools.permutations(FILES)), ids=",".join)
def test_last_file_completes_the_task_in_any_order(inbox, accepted, order):
    made = [inbox.drop(f"summer/猫/{name}", FILES[name]) for name in order]
    assert made[:-1] == [None, None]
    [task] = [each for each in made if each]
    assert task.caller == "inbox"
    assert task.origin == Origin(channel="drop", folder="summer/猫", version=inbox.version("summer/猫/job.json"))
    assert task.prompt == "A cat"
    assert [(each.bucket, each.key) for each in task.inputs] == [
        (INBOX, "summer/猫/cat.png"),
        (INBOX, "summer/猫/harbour 1.jpg"),
    ]
    assert all(each.version_id for each in task.inputs)
    assert list(accepted) == [task.task_id]
    assert inbox.result("summer/猫") is None


def test_repeated_events_make_no_second_task(inbox, accepted):
    for name, content in FILES.items():
        inbox.drop(f"f/{name}", content)
    again = [arrived(f"f/{name}") for name in [*FILES, *FILES]]
    assert len({task.task_id for task in again if task}) == 1
    assert len(accepted) == 1


def test_minute_opened_by_another_clock_refuses_no_drop(inbox, accepted, monkeypatch):
    now = time.time()
    for ahead, folder in ((60, "f"), (0, "g")):
        monkeypatch.setattr(time, "time", lambda ahead=ahead: now + ahead)
        for name, content in FILES.items():
            inbox.drop(f"{folder}/{name}", content)
        assert inbox.result(folder) is None
    assert len(accepted) == 2


def test_same_content_in_another_folder_is_another_task(inbox, accepted):
    for folder in ("f", "g"):
        for name, content in FILES.items():
            inbox.drop(f"{folder}/{name}", content)
    assert len(accepted) == 2


def test_changed_file_is_another_task(inbox, accepted):
    for name, content in FILES.items():
        inbox.drop(f"f/{name}", content)
    assert inbox.drop("f/cat.png", picture(400, 400)) is not None
    assert len(accepted) == 2


def test_a_job_that_waits_for_files_is_checked_once_per_window(inbox, monkeypatch, stopped_clock):
    monkeypatch.setenv("DROP_WAIT_SECONDS", "1")
    assert inbox.drop("f/job.json", FILES["job.json"]) is None
    assert inbox.drop("f/cat.png", FILES["cat.png"]) is None
    stopped_clock.advance(1.1)
    assert inbox.to_check_again() == [{"check_again": {"bucket": INBOX, "folder": "f", "checks": 0}}]
    assert inbox.to_check_again() == []


def test_last_look_names_the_missing_files(inbox, accepted):
    inbox.drop("f/cat.png", FILES["cat.png"])
    inbox.put("f/job.json", json.dumps({**JOB, "style_image": "nowhere.png"}).encode())
    assert last_look("f") is None
    result = inbox.result("f")
    assert result["code"] == 1201
    assert result["message"] == ("job.json: names files that are not in the folder, got harbour 1.jpg, nowhere.png")
    assert len(accepted) == 0


def test_last_look_at_a_complete_folder_makes_one_task(inbox, accepted):
    for name, content in FILES.items():
        inbox.put(f"f/{name}", content)
    task = last_look("f")
    assert task is not None
    assert last_look("f") == task
    assert len(accepted) == 1


@pytest.mark.parametrize("key", ["summer/", "a/b/c/"])
def test_folder_marker_is_ignored(inbox, key):
    assert inbox.drop(key, b"") is None


def test_byte_order_mark_is_ignored(inbox):
    assert inbox.drop("f/cat.png", picture()) is None
    job = json.dumps({"subject_image_list": [{"subject_image": "cat.png"}], "prompt": "猫"}, ensure_ascii=False)
    task = inbox.drop("f/job.json", b"\xef\xbb\xbf" + job.encode())
    assert task is not None
    assert task.prompt == "猫"


def test_job_with_urls_and_base64_is_accepted(inbox):
    job = {"subject_image_list": [{"subject_image": "https://a.test/1"}], "scene_image": in_base64(picture())}
    task = inbox.drop("f/job.json", json.dumps(job).encode())
    assert task is not None
    assert task.inputs[0].url == "https://a.test/1"
    assert task.inputs[1].bucket == "kiln-inputs"


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (b"{", 1200, "job.json: must be JSON, got an unexpected end at line 1, column 1"),
        (b"", 1200, "job.json: must be JSON, got an empty file"),
        (b'{"prompt": "\\ud800"}', 1200, "job.json: must be JSON, got unexpected end of hex escape at line 1"),
        (b"[" * 200_000, 1200, "job.json: must be JSON, got recursion limit exceeded at line 1"),
        (b"[]", 1201, "job.json: must list 1 to 100 jobs, got 0"),
        (b"null", 1200, "job.json: must be a JSON object or a list of them, got null"),
        (b'{"jobs": {}}', 1200, "job.json: jobs must be a list, got an object"),
        (b"[1]", 1200, "job.json: each job must be a JSON object"),
        (b" " * 1024 * 1024 + b"{}", 1200, "job.json: must be at most 1048576 bytes"),
        (b"{}", 1201, "subject_image_list: is required, got nothing"),
        (b'{"n": 10, "subject_image_list": [{"subject_image": "https://a.test"}]}', 1201, "n: must be at most 9, got"),
    ],
    ids=[
        "cut short",
        "empty",
        "half a character",
        "deep",
        "no jobs",
        "null",
        "jobs",
        "numbers",
        "too large",
        "bare",
        "n",
    ],
)
def test_wrong_job_gets_a_refusal_in_its_result_file(inbox, accepted, content, code, message):
    assert inbox.drop("f/job.json", content) is None
    result = inbox.result("f")
    assert result["code"] == code
    assert result["message"].startswith(message)
    assert result["request_id"] == "f"
    assert len(accepted) == 0


@pytest.mark.parametrize("name", ["../other/cat.png", "/etc/passwd", "a/../../cat.png", ".."])
def test_job_that_names_a_file_outside_its_folder_is_refused(inbox, name):
    inbox.put("other/cat.png", picture())
    job = {"subject_image_list": [{"subject_image": name}]}
    assert inbox.drop("f/job.json", json.dumps(job).encode()) is None
    result = inbox.result("f")
    assert result["message"] == f"job.json: must name files within its folder, got '{name}'"


def test_files_in_a_subfolder_are_accepted(inbox):
    inbox.put("f/images/a..b.png", picture())
    job = {"subject_image_list": [{"subject_image": "images/a..b.png"}]}
    assert inbox.drop("f/job.json", json.dumps(job).encode()) is not None


def test_refused_image_is_named(inbox):
    inbox.put("f/cat.png", picture(299, 299))
    job = {"subject_image_list": [{"subject_image": "cat.png"}]}
    inbox.drop("f/job.json", json.dumps(job).encode())
    assert inbox.result("f") == {
        "code": 1201,
        "message": "cat.png: each side must be at least 300 px, got 299 x 299 px",
        "request_id": "f",
    }


def test_corrected_job_makes_a_task(inbox, accepted):
    inbox.drop("f/cat.png", picture())
    job = {"n": 10, "subject_image_list": [{"subject_image": "cat.png"}]}
    assert inbox.drop("f/job.json", json.dumps(job).encode()) is None
    assert inbox.drop("f/job.json", json.dumps({**job, "n": 1}).encode()) is not None
    assert len(accepted) == 1


def test_used_external_id_is_refused(inbox, accepted):
    for folder in ("f", "g"):
        job = {"external_task_id": "mine", "subject_image_list": [{"subject_image": "https://a.test/1"}]}
        inbox.drop(f"{folder}/job.json", json.dumps(job).encode())
    result = inbox.result("g")
    assert result["message"] == "External_task_id mine already exists"
    assert len(accepted) == 1


def test_job_at_the_top_is_refused(inbox):
    assert inbox.drop("job.json", FILES["job.json"]) is None
    result = inbox.result("job.json")
    assert result["message"].startswith("job.json: must be in a folder")


@pytest.mark.parametrize("key", ["猫" * 301 + ".png", "f/" + "x" * 900])
def test_refusal_of_a_too_long_key_is_stored_under_its_beginning(inbox, key):
    assert inbox.drop(key, picture()) is None
    result = inbox.result(key.encode()[:900].decode(errors="ignore"))
    assert result["message"] == "name: must be at most 900 bytes with its folders"


@pytest.mark.parametrize("key", ["cat.png", "猫 & dog+1.jpg", "no extension"])
def test_single_image_makes_a_task_with_the_default_prompt(inbox, accepted, key):
    task = inbox.drop(key, picture())
    assert task is not None
    assert task.prompt == "Make a new picture of this subject."
    assert task.origin == Origin(channel="drop", folder=key, version=inbox.version(key))
    assert task.inputs[0].key == key
    assert task.result_prefix == f"{key}/{task.task_id}"
    assert arrived(key) == task
    assert len(accepted) == 1


def test_metadata_of_a_single_image_set_its_fields(inbox):
    task = inbox.drop(
        "cat.png",
        picture(),
        prompt="=?UTF-8?B?5rW36L6555qE54yr?=",
        n="2",
        model_name="kling-v2-1",
        **{"aspect-ratio": "1:1", "external-task-id": "mine"},
        colour="red",
    )
    assert task is not None
    assert (task.prompt, task.n, task.model_name) == ("海边的猫", 2, "kling-v2-1")
    assert (task.aspect_ratio, task.external_task_id) == ("1:1", "mine")


@pytest.mark.parametrize(
    ("prompt", "read"),
    [
        ("plain words", "plain words"),
        ("=?utf-8?q?caf=C3=A9?=", "café"),
        ("=?utf-8?q?a_?= =?utf-8?q?b?=", "a b"),
    ],
)
def test_encoded_metadata_are_decoded(inbox, prompt, read):
    task = inbox.drop("cat.png", picture(), prompt=prompt)
    assert task is not None
    assert task.prompt == read


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"n": "10"}, "n: must be at most 9, got '10'"),
        ({"n": "two"}, "n: must be an integer, got 'two'"),
        ({"prompt": "=?utf-8?b?a?="}, "metadata: must be UTF-8"),
        ({"prompt": "=?klingon?q?x?="}, "metadata: must be UTF-8"),
        ({"prompt": "=?utf-8?q?=FF=FE?="}, "metadata: must be UTF-8"),
        ({"prompt": "=?unknown-8bit?q?=FF?="}, "metadata: must be UTF-8"),
        ({"prompt": "=?utf-16-be?b?2D0=?="}, "metadata: must be UTF-8"),
        ({"prompt": "=?utf-7?q?+2D0-?="}, "metadata: must be UTF-8"),
    ],
)
def test_wrong_metadata_are_refused(inbox, accepted, metadata, message):
    assert inbox.drop("cat.png", picture(), **metadata) is None
    result = inbox.result("cat.png")
    assert result["code"] == 1201
    assert result["message"].startswith(message)
    assert len(accepted) == 0


def test_other_file_at_the_top_is_refused(inbox):
    assert inbox.drop("notes.txt", b"remember the milk") is None
    result = inbox.result("notes.txt")
    assert result["message"].startswith("notes.txt: must be a jpg, jpeg or png image by its content")


def test_object_deleted_meanwhile_is_ignored(inbox):
    assert arrived("gone.png") is None
    assert arrived("f/job.json") is None


def test_newest_content_keeps_the_result_file_whichever_task_ends_last(inbox):
    older = inbox.drop("cat.png", picture(400, 400))
    newer = inbox.drop("cat.png", picture(500, 500))
    assert older is not None
    assert newer is not None
    for task, is_written in ((newer, True), (older, False)):
        TaskStore().fail(task, task.task_id)
        assert write_result(TaskStore().get(task.task_id), "https://kiln.test") is is_written
    assert inbox.result("cat.png")["request_id"] == newer.task_id


def test_metadata_that_is_not_used_is_named_in_the_result(inbox):
    task = inbox.drop("cat.png", picture(), promt="A cat", colour="red", mtime="1722769557", **{"s3cmd-attrs": "uid:0"})
    assert task is not None
    assert task.ignored == ["colour", "promt"]
    TaskStore().fail(task, "why")
    write_result(TaskStore().get(task.task_id), "https://kiln.test")
    answer = inbox.result("cat.png")
    assert answer["ignored"] == ["colour", "promt"]
    assert (answer["code"], answer["message"], answer["data"]["task_status"]) == (5000, "why", "failed")


@pytest.mark.parametrize("folder", [".", "a/./b", "a/../b", ".."])
def test_images_in_a_folder_of_dots_are_copied_and_stored_where_links_lead(inbox, accepted, folder):
    """HTTP clients take the dots out of a link's path."""
    inbox.put(f"{folder}/cat.png", picture())
    task = inbox.drop(f"{folder}/job.json", json.dumps({"subject_image_list": [{"subject_image": "cat.png"}]}).encode())
    assert task is not None
    assert task.inputs[0].bucket == "kiln-inputs"
    assert task.result_prefix == f"tasks/{task.task_id}"
