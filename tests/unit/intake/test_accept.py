"""Accepting: images that came as Base64 are kept, the task is stored, and so accepted, once."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kiln import clock
from kiln.contract import CreateRequest, TaskStatus, parse_create_request
from kiln.errors import DuplicateExternalTaskId, IdempotencyKeyReused, InvalidRequest, TaskNotFound, TooManyRequests
from kiln.images.inputs import S3Image
from kiln.images.stored import StoredInput
from kiln.intake.accept import accept
from kiln.tasks import items
from kiln.tasks.executions import execution_name
from kiln.tasks.ids import content_task_id
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Origin
from tests.support.fakes import client_error
from tests.support.images import in_base64, picture
from tests.support.samples import SUBJECT_URL, create_body, create_request

pytestmark = pytest.mark.usefixtures("cloud")


def test_tasks_with_the_same_id_have_different_execution_names(cloud, monkeypatch):
    """The same content may come again when its first task is no longer kept, but still known elsewhere by its name."""
    times = itertools.count(clock.milliseconds())
    monkeypatch.setattr(clock, "milliseconds", lambda: next(times))
    first = accept(create_request(), "ada", task_id=content_task_id("the same"))
    assert accept(create_request(), "ada", task_id=first.task_id).run_id == first.run_id
    cloud.dynamodb.delete_item(TableName="kiln-table", Key=items.task_key(first.task_id))
    again = accept(create_request(), "ada", task_id=first.task_id)
    assert again.task_id == first.task_id
    assert again.run_id == f"{again.task_id}_{again.created_at}" != first.run_id
    # With all that is added to it, it is short enough for the name of an execution.
    assert len(f"{execution_name(again.run_id, 10**6)}-processing") <= 80


def test_task_is_stored_with_its_request(accepted):
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
    assert task.inputs == [StoredInput(field="subject_image_list[0].subject_image", url=SUBJECT_URL)]
    assert task.origin == Origin(channel="api")
    assert task.created_at == task.updated_at


def test_base64_images_are_stored_under_the_task_id_and_urls_kept(cloud, accepted):
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


def test_versioned_object_is_referred_to_by_its_version(cloud, accepted):
    offered = {"cat.png": S3Image("kiln-inbox", "job/cat.png", "v1")}
    task = accept(parse_create_request(create_body(scene_image="cat.png"), offered), "ada")
    assert task.inputs[1] == StoredInput(field="scene_image", bucket="kiln-inbox", key="job/cat.png", version_id="v1")


def upload(cloud, content: bytes) -> S3Image:
    etag = cloud.s3.put_object(Bucket="kiln-inputs", Key="uploads/ada/1", Body=content)["ETag"]
    return S3Image("kiln-inputs", "uploads/ada/1", etag=etag)


def with_upload(stored: S3Image) -> CreateRequest:
    return parse_create_request(create_body(scene_image="an upload", style_image="an upload"), {"an upload": stored})


def test_object_without_version_is_copied_as_it_was_checked(cloud, accepted):
    stored = upload(cloud, picture())
    task = accept(with_upload(stored), "ada")
    upload(cloud, b"what came later")
    assert [each.key for each in task.inputs[1:]] == [f"{task.task_id}/scene", f"{task.task_id}/style"]
    for kept in task.inputs[1:]:
        assert (kept.bucket, kept.version_id) == ("kiln-inputs", None)
        assert cloud.s3.get_object(Bucket=kept.bucket, Key=kept.key)["Body"].read() == picture()


@pytest.mark.parametrize("is_gone", [False, True])
def test_object_changed_since_its_check_is_refused(cloud, accepted, monkeypatch, is_gone):
    stored = upload(cloud, picture())
    copy = cloud.s3.copy_object
    if is_gone:
        cloud.s3.delete_object(Bucket="kiln-inputs", Key=stored.key)
    else:
        upload(cloud, picture(400, 400))

    def copy_object(**request: Any) -> Any:
        """S3's double does not look at the condition."""
        source = request["CopySource"]
        copy(**request)
        if cloud.s3.head_object(**source)["ETag"] != request["CopySourceIfMatch"]:
            raise client_error("PreconditionFailed")

    monkeypatch.setattr(cloud.s3, "copy_object", copy_object)
    with pytest.raises(InvalidRequest, match=r"^scene_image: must not change while it is read, got another or none"):
        accept(with_upload(stored), "ada")
    assert len(accepted) == 0


def test_fault_of_s3_is_raised_not_refused(cloud, accepted, monkeypatch):
    def copy_object(**_: Any) -> None:
        raise client_error("InternalError")

    stored = upload(cloud, picture())
    monkeypatch.setattr(cloud.s3, "copy_object", copy_object)
    with pytest.raises(ClientError):
        accept(with_upload(stored), "ada")


def test_accepting_the_same_id_again_writes_nothing(accepted):
    first = accept(create_request(external_task_id="mine"), "ada", task_id="task-1")
    again = accept(create_request(external_task_id="mine", prompt="other"), "ada", task_id="task-1")
    assert again == first
    assert len(accepted) == 1
    assert accept(create_request(), "ada").sequence == 2


def test_used_external_id_is_refused_before_images_are_stored(cloud, accepted):
    accept(create_request(external_task_id="mine"), "ada")
    with pytest.raises(DuplicateExternalTaskId):
        accept(create_request(external_task_id="mine", scene_image=in_base64(picture())), "ada", task_id="task-2")
    assert "Contents" not in cloud.s3.list_objects_v2(Bucket="kiln-inputs")
    assert len(accepted) == 1
    with pytest.raises(TaskNotFound):
        TaskStore().get("task-2")


def test_same_id_with_another_body_is_refused(accepted):
    digest = hashlib.sha256(b"body").hexdigest()
    first = accept(create_request(), "ada", task_id="task-1", request_digest=digest)
    assert accept(create_request(), "ada", task_id="task-1", request_digest=digest) == first
    with pytest.raises(IdempotencyKeyReused) as refused:
        accept(create_request(), "ada", task_id="task-1", request_digest="another")
    assert refused.value.http_status == 422


def test_rate_limit_counts_each_caller_separately(accepted, one_minute):
    for _ in range(2):
        accept(create_request(), "ada", per_minute=2)
    with pytest.raises(TooManyRequests):
        accept(create_request(), "ada", per_minute=2)
    accept(create_request(), "bob", per_minute=2)
    assert len(accepted) == 3
