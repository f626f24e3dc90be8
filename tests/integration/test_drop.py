"""Drops into the inbox: in any order, under any name, with repeated events; a wrong one gets its reason."""

from __future__ import annotations

import itertools
import json
from email.header import Header
from urllib.parse import quote_plus

from tests.integration.client import Client, JsonObject, picture, wait_until
from tests.integration.driver import Deployment
from tests.integration.promise import assert_succeeded
from tests.integration.steps import assert_delivered

JOB: JsonObject = {
    "prompt": "A dropped test",
    "subject_image_list": [{"subject_image": "cat.png"}],
    "scene_image": "places/harbour.jpg",
    "n": 2,
}
FILES: dict[str, bytes | JsonObject] = {
    "job.json": JOB,
    "cat.png": picture(),
    "places/harbour.jpg": picture(kind="JPEG"),
}


def test_files_in_any_order_make_one_task(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    kiln.set_faults(task_seconds=0.2)
    orders = list(itertools.permutations(FILES))
    for number, order in enumerate(orders):
        for name in order:
            kiln.drop(f"{folder}/{number}/{name}", FILES[name])
    tasks = [assert_delivered(kiln, inbox_client, f"{folder}/{number}", n=2) for number in range(len(orders))]
    assert len({task["task_id"] for task in tasks}) == len(orders)


def test_same_drop_again_is_the_same_task(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    for name, body in FILES.items():
        kiln.drop(f"{folder}/{name}", body)
    task = assert_delivered(kiln, inbox_client, folder, n=2)
    count = len(inbox_client.list(pageSize=500))
    announce(kiln, *[f"{folder}/{name}" for name in FILES], *[f"{folder}/{name}" for name in FILES])
    for name, body in FILES.items():
        kiln.drop(f"{folder}/{name}", body)
    kiln.settle()
    assert len(inbox_client.list(pageSize=500)) == count
    assert assert_delivered(kiln, inbox_client, folder, n=2) == task


def test_repeated_events_make_one_task(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    count = len(inbox_client.list(pageSize=500))
    names = list(FILES)
    for name in names:
        kiln.drop(f"{folder}/{name}", FILES[name])
        announce(kiln, f"{folder}/{name}", f"{folder}/{name}")
    assert_delivered(kiln, inbox_client, folder, n=2)
    kiln.settle()
    assert len(inbox_client.list(pageSize=500)) == count + 1


def announce(kiln: Deployment, *keys: str) -> None:
    """Has S3's notifications come again: late, doubled, or several in one message."""
    bucket = {"name": kiln.here["inbox_bucket"]}
    records = [{"s3": {"bucket": bucket, "object": {"key": quote_plus(key, safe="/")}}} for key in keys]
    url = kiln.resource("InboxQueue")
    for message in ({"Records": records}, {"Records": records[:1]}, {"Service": "Amazon S3", "Event": "s3:TestEvent"}):
        kiln.aws.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(message))


def test_changed_job_is_a_new_task(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    for name, body in FILES.items():
        kiln.drop(f"{folder}/{name}", body)
    first = assert_delivered(kiln, inbox_client, folder, n=2)
    kiln.drop(f"{folder}/job.json", JOB | {"n": 1})
    wait_until(lambda: kiln.result(folder)["data"]["task_id"] != first["task_id"], "the changed job is done")
    second = assert_delivered(kiln, inbox_client, folder, n=1)
    assert second["task_id"] != first["task_id"]
    # The first task's images stay where its links lead.
    assert_succeeded(kiln, inbox_client, first["task_id"], n=2)


def test_single_image_makes_a_task(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    plain, described = f"{folder}.png", f"{folder}-described.jpg"
    kiln.drop(plain, picture())
    prompt = "一只猫 in a harbour"
    metadata = {"prompt": Header(prompt, "utf-8").encode(), "n": "2", "aspect-ratio": "1:1"}
    kiln.drop(described, picture(kind="JPEG"), **metadata)
    without = assert_delivered(kiln, inbox_client, plain, n=1)
    assert kiln.item(without["task_id"])["prompt"] == "Make a new picture of this subject."
    task = assert_delivered(kiln, inbox_client, described, n=2)
    kept = kiln.item(task["task_id"])
    assert (kept["prompt"], kept["aspect_ratio"]) == (prompt, "1:1")


def test_unusual_file_names_make_a_task(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    kiln.set_faults(task_seconds=0.1)
    names = [f"{folder} {name}" for name in ("a b", "a+b", "100%", "%2F", "猫", "a&b=c?", "ünï (1)")]
    for name in names:
        kiln.drop(f"{name}.png", picture())
        kiln.drop(f"{name}/{name}.png", picture())
        kiln.drop(f"{name}/job.json", {"subject_image_list": [{"subject_image": f"{name}.png"}]})
    for name in names:
        assert_delivered(kiln, inbox_client, f"{name}.png", n=1)
        assert_delivered(kiln, inbox_client, name, n=1)


NAMED = {"subject_image_list": [{"subject_image": "cat.png"}]}


WRONG: list[tuple[dict[str, bytes | JsonObject], int, str]] = [
    ({"job.json": b"{"}, 1200, "job.json: must be JSON"),
    ({"job.json": b'"a string"'}, 1200, "job.json: must be a JSON object or a list of them, got 'a string'"),
    ({"job.json": b"[]"}, 1201, "job.json: must list 1 to 100 jobs, got 0"),
    ({"job.json": b"[7]"}, 1200, "job.json: each job must be a JSON object"),
    ({"job.json": b"\xff"}, 1200, "job.json: must be text in UTF-8, UTF-16 or GB18030"),
    ({"job.json": b" " * (1024 * 1024 + 1)}, 1200, "job.json: must be at most 1048576 bytes"),
    ({"job.json": {}}, 1201, "subject_image_list: is required"),
    ({"job.json": NAMED | {"n": 10}, "cat.png": picture()}, 1201, "n: must be at most 9, got 10"),
    ({"job.json": NAMED | {"aspect_ratio": "5:4"}, "cat.png": picture()}, 1201, "aspect_ratio: must be one of"),
    ({"job.json": NAMED, "cat.png": picture(200, 300)}, 1201, "cat.png: each side must be at least 300 px"),
    ({"job.json": NAMED, "cat.png": b"plain text"}, 1201, "cat.png: must be a jpg, jpeg or png image"),
    ({"job.json": NAMED, "cat.png": b""}, 1201, "cat.png: "),
    (
        {"job.json": {"subject_image_list": [{"subject_image": "../other/cat.png"}]}},
        1201,
        "job.json: must name files within its folder",
    ),
]


def test_wrong_job_gets_a_refusal_in_its_result_file(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    count = len(inbox_client.list(pageSize=500))
    for number, (files, _, _) in enumerate(WRONG):
        for name, body in files.items():
            kiln.drop(f"{folder}-{number}/{name}", body)
    for number, (_, code, reason) in enumerate(WRONG):
        result = kiln.result(f"{folder}-{number}")
        assert (result["code"], result["request_id"]) == (code, f"{folder}-{number}"), result
        assert result["message"].startswith(reason)
    assert len(inbox_client.list(pageSize=500)) == count


def test_wrong_file_at_the_top_gets_a_refusal(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    kiln.drop("job.json", JOB)
    kiln.drop(f"{folder}.txt", b"not an image")
    assert kiln.result("job.json")["message"].startswith("job.json: must be in a folder")
    assert kiln.result(f"{folder}.txt")["message"].startswith(f"{folder}.txt: must be a jpg, jpeg or png image")


def test_corrected_drop_makes_a_task(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    kiln.drop(f"{folder}/cat.png", picture(100, 100))
    kiln.drop(f"{folder}/job.json", NAMED)
    assert kiln.result(folder)["code"] == 1201
    kiln.drop(f"{folder}/cat.png", picture())
    assert_delivered(kiln, inbox_client, folder, n=1)


def test_missing_file_is_named_and_accepted_later(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    kiln.drop(f"{folder}/cat.png", picture())
    kiln.drop(f"{folder}/job.json", JOB)
    result = kiln.result(folder)
    assert result["code"] == 1201
    assert "places/harbour.jpg" in result["message"]
    assert "cat.png" not in result["message"]
    kiln.drop(f"{folder}/places/harbour.jpg", picture(kind="JPEG"))
    assert_delivered(kiln, inbox_client, folder, n=2)


def test_images_without_a_job_are_answered_with_a_job_that_would_do(
    kiln: Deployment, inbox_client: Client, folder: str
) -> None:
    count = len(inbox_client.list(pageSize=500))
    kiln.drop(f"{folder}/", b"")
    kiln.drop(f"{folder}/cat.png", picture())
    result = kiln.result(folder)
    assert (result["code"], result["request_id"]) == (1201, folder)
    assert len(inbox_client.list(pageSize=500)) == count
    kiln.drop(f"{folder}/job.json", result["job.json"])
    assert_delivered(kiln, inbox_client, folder, n=1)
