"""Accepting: images that came as Base64 are kept, the task is stored, and so accepted, once."""

from __future__ import annotations

import hashlib

import pytest

from kiln.contract import TaskStatus, parse_create_request
from kiln.errors import DuplicateExternalTaskId, IdempotencyKeyReused, TaskNotFound, TooManyRequests
from kiln.images.inputs import StoredImage
from kiln.intake.accept import accept
from kiln.tasks.store import TaskStore
from kiln.tasks.task import KeptInput, Origin
from tests.unit.pictures import in_base64, picture
from tests.unit.specimens import SUBJECT_URL, create_body, create_request

pytestmark = pytest.mark.usefixtures("cloud")


def test_a_task_is_stored_as_it_was_asked_for(accepted):
    task = accept(
        create_request(
            model_name="kling-v2-1",
            prompt="A cat",
            n=3,
            aspect_ratio="1:1",
            watermark_info={"enabled": True},
            callback_url="https://caller.test/hook",
            external_task_id="mine",
        ),
        "ada",
    )
    assert TaskStore().get(task.task_id) == task
    assert task.task_status is TaskStatus.SUBMITTED
    assert (task.caller, task.sequence, task.external_task_id) == ("ada", 1, "mine")
    assert (task.model_name, task.prompt, task.n, task.aspect_ratio) == ("kling-v2-1", "A cat", 3, "1:1")
    assert task.watermark is True
    assert task.callback_url == "https://caller.test/hook"
    assert task.inputs == [KeptInput(field="subject_image_list[0].subject_image", url=SUBJECT_URL)]
    assert task.origin == Origin(door="api")
    assert task.created_at == task.updated_at


def test_images_in_base64_are_kept_under_the_tasks_id_and_urls_are_left_alone(cloud, accepted):
    png, jpeg = picture(), picture(form="JPEG")
    request = create_request(
        subject_image_list=[
            {"subject_image": in_base64(png)},
            {"subject_image": "https://images.test/dog"},
            {"subject_image": in_base64(jpeg, "data:image/jpeg;base64,")},
        ],
        scene_image=in_base64(jpeg),
        style_image=in_base64(png),
    )
    task = accept(request, "ada")
    kept = {each.field: each for each in task.inputs}
    assert list(kept) == [
        "subject_image_list[0].subject_image",
        "subject_image_list[1].subject_image",
        "subject_image_list[2].subject_image",
        "scene_image",
        "style_image",
    ]
    assert kept["subject_image_list[1].subject_image"].url == "https://images.test/dog"
    places = {field: (each.bucket, each.key) for field, each in kept.items() if each.key}
    assert places == {
        "subject_image_list[0].subject_image": ("kiln-inputs", f"{task.task_id}/subject-0.png"),
        "subject_image_list[2].subject_image": ("kiln-inputs", f"{task.task_id}/subject-2.jpg"),
        "scene_image": ("kiln-inputs", f"{task.task_id}/scene.jpg"),
        "style_image": ("kiln-inputs", f"{task.task_id}/style.png"),
    }
    for field, content in (("scene_image", jpeg), ("style_image", png)):
        answer = cloud.s3.get_object(Bucket="kiln-inputs", Key=kept[field].key)
        assert answer["Body"].read() == content
        assert answer["ContentType"] == ("image/jpeg" if content is jpeg else "image/png")


def test_an_object_that_lies_in_s3_is_referred_to_with_its_version(cloud, accepted):
    offered = {"cat.png": StoredImage("kiln-inbox", "job/cat.png", "v1")}
    task = accept(parse_create_request(create_body(scene_image="cat.png"), offered), "ada")
    assert task.inputs[1] == KeptInput(field="scene_image", bucket="kiln-inbox", key="job/cat.png", version_id="v1")


def test_accepting_again_under_the_same_id_does_nothing_twice(accepted):
    first = accept(create_request(external_task_id="mine"), "ada", task_id="task-1")
    again = accept(create_request(external_task_id="mine", prompt="other"), "ada", task_id="task-1")
    assert again == first
    assert len(accepted) == 1
    assert accept(create_request(), "ada").sequence == 2


def test_a_used_external_id_is_refused_before_anything_is_kept(cloud, accepted):
    accept(create_request(external_task_id="mine"), "ada")
    with pytest.raises(DuplicateExternalTaskId):
        accept(create_request(external_task_id="mine", scene_image=in_base64(picture())), "ada", task_id="task-2")
    assert "Contents" not in cloud.s3.list_objects_v2(Bucket="kiln-inputs")
    assert len(accepted) == 1
    with pytest.raises(TaskNotFound):
        TaskStore().get("task-2")


def test_an_id_by_key_must_come_with_the_same_body(accepted):
    digest = hashlib.sha256(b"body").hexdigest()
    first = accept(create_request(), "ada", task_id="task-1", request_digest=digest)
    assert accept(create_request(), "ada", task_id="task-1", request_digest=digest) == first
    with pytest.raises(IdempotencyKeyReused) as refused:
        accept(create_request(), "ada", task_id="task-1", request_digest="another")
    assert refused.value.http_status == 422


def test_a_callers_minute_is_its_own(accepted):
    for _ in range(2):
        accept(create_request(), "ada", per_minute=2)
    with pytest.raises(TooManyRequests):
        accept(create_request(), "ada", per_minute=2)
    accept(create_request(), "bob", per_minute=2)
    assert len(accepted) == 3
