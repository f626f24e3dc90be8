"""Delete: nothing of a task is left in the buckets, and every route and link answers 404."""

from __future__ import annotations

from local.stack import TASKS_PATH
from tests.integration.client import NEVER, Client, JsonObject, picture, wait_until
from tests.integration.driver import Deployment
from tests.integration.promise import assert_succeeded
from tests.integration.steps import assert_of_shape
from tests.support.images import in_base64


def files(kiln: Deployment, task_id: str) -> list[str]:
    """Every version of a file of a task, in all buckets."""
    found = []
    pages = kiln.aws.s3.get_paginator("list_object_versions")
    for bucket in kiln.aws.s3.list_buckets()["Buckets"]:
        # Other tests leave names in the inbox that the local AWS cannot list, so only the task's folders are listed.
        for prefix in (f"tasks/{task_id}/", f"{task_id}/"):
            for page in pages.paginate(Bucket=bucket["Name"], Prefix=prefix):
                found += [each["Key"] for each in page.get("Versions", [])]
    return found


def test_deleted_task_is_gone_and_its_event_is_published(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(task_seconds=NEVER)
    task_id = client.create(prompt="Forget me", subject_image_list=[{"subject_image": in_base64(picture())}])
    wait_until(lambda: kiln.generations(task_id), "the provider has it")
    refused = client.send("DELETE", f"{TASKS_PATH}/{task_id}")
    assert (refused.status_code, refused.json()["code"]) == (409, 1201)
    kiln.finish()
    task = assert_succeeded(kiln, client, task_id)
    assert len(files(kiln, task_id)) >= 2
    answer = client.send("DELETE", f"{TASKS_PATH}/{task_id}")
    assert answer.status_code == 200, answer.text
    assert files(kiln, task_id) == []
    for part in ("", "/progress", "/request", "/deliveries"):
        assert client.send("GET", f"{TASKS_PATH}/{task_id}{part}").json()["code"] == 1203
    assert kiln.http.get(task["task_result"]["images"][0]["url"]).status_code == 404
    assert client.send("DELETE", f"{TASKS_PATH}/{task_id}").status_code == 404
    assert "Forget me" not in str(kiln.item(task_id))

    def published() -> list[JsonObject]:
        return [each["detail"] for each in kiln.events(task_id) if each["detail-type"] == "Image Task Deleted"]

    [event] = wait_until(published, "the event is published")
    assert event["data"] == answer.json()["data"]
    assert_of_shape(event, "image-task-deleted.json")
