"""The inbox function: notifications of S3, last checks of folders, and requests from the bus."""

from __future__ import annotations

import json

import pytest

from kiln.tasks.store import TaskStore
from tests.support.functions import invoke, sample
from tests.support.images import picture


@pytest.fixture
def dropped(cloud) -> None:
    job = {"subject_image_list": [{"subject_image": "cat 1.png"}], "prompt": "猫"}
    cloud.s3.put_object(Bucket="kiln-inbox", Key="summer 2026/猫/job.json", Body=json.dumps(job).encode())
    cloud.s3.put_object(Bucket="kiln-inbox", Key="summer 2026/猫/cat 1.png", Body=picture())


@pytest.mark.usefixtures("dropped")
def test_repeated_object_events_make_one_task(accepted):
    for _ in range(3):
        assert invoke("inbox", sample("inbox-s3-sqs")) == {"batchItemFailures": []}
    [task_id] = accepted
    assert TaskStore().get(task_id).origin.folder == "summer 2026/猫"


@pytest.mark.usefixtures("dropped")
def test_last_look_makes_a_task_of_the_objects_present(accepted):
    assert invoke("inbox", sample("inbox-check-again")) == {"batchItemFailures": []}
    assert len(accepted) == 1


def test_next_jobs_of_a_list_are_begun(cloud, accepted):
    jobs = [{"prompt": str(number), "subject_image_list": [{"subject_image": "cat.png"}]} for number in range(27)]
    cloud.s3.put_object(Bucket="kiln-inbox", Key="summer 2026/猫/job.json", Body=json.dumps(jobs).encode())
    cloud.s3.put_object(Bucket="kiln-inbox", Key="summer 2026/猫/cat.png", Body=picture())
    assert invoke("inbox", sample("inbox-next-jobs")) == {"batchItemFailures": []}
    assert {TaskStore().get(task_id).prompt for task_id in accepted} == {"25", "26"}


def test_an_event_of_the_bus_is_a_task(accepted):
    assert invoke("inbox", sample("inbox-bus-request")) == {"batchItemFailures": []}
    [task_id] = accepted
    assert TaskStore().get(task_id).caller == "shop"


@pytest.mark.usefixtures("dropped")
def test_failed_message_is_the_only_one_reported(accepted):
    event = sample("inbox-s3-sqs")
    event["Records"][0]["body"] = "not JSON"
    assert invoke("inbox", event) == {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}
    assert len(accepted) == 1
