"""``result.json``: what someone who dropped files finds beside the images, or instead of them."""

from __future__ import annotations

import json

from kiln.drops.result_file import write_refusal, write_result
from kiln.errors import InvalidRequest
from kiln.tasks.task import Origin
from tests.support.samples import make_task, stored_image


def written(cloud, key: str):
    answer = cloud.s3.get_object(Bucket="kiln-outbox", Key=key)
    assert answer["ContentType"] == "application/json"
    return json.loads(answer["Body"].read())


def test_result_file_has_the_query_answer_and_the_image_keys(cloud):
    origin = Origin(channel="drop", folder="summer/猫 1")
    task = make_task(origin=origin, task_status="succeed", result=[stored_image(0), stored_image(1)])
    assert write_result(task, "https://kiln.test")
    answer = written(cloud, "summer/猫 1/result.json")
    assert (answer["code"], answer["message"], answer["request_id"]) == (0, "SUCCEED", "task-1")
    assert answer["data"]["task_status"] == "succeed"
    assert [image["key"] for image in answer["data"]["task_result"]["images"]] == [
        "tasks/task-1/0.png",
        "tasks/task-1/1.png",
    ]


def test_failed_task_has_its_reason(cloud):
    origin = Origin(channel="drop", folder="f")
    write_result(make_task(origin=origin, task_status="failed", task_status_msg="why"), "https://kiln.test")
    assert written(cloud, "f/result.json")["data"]["task_status_msg"] == "why"


def test_refusal_has_the_contracts_fields(cloud):
    write_refusal(Origin(channel="drop", folder="f"), InvalidRequest("n: must be at most 9, got 10"), 1)
    assert written(cloud, "f/result.json") == {
        "code": 1201,
        "message": "n: must be at most 9, got 10",
        "request_id": "f",
    }
