"""The client has its own models of the answers; they must agree with the service's."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, get_args

from pydantic import BaseModel

from kiln.contract import vocabulary
from kiln.contract.answers import FoundTask, ResultImage, TaskInfo, TaskResult, WatermarkInfo
from kiln.contract.batch import (
    BatchCounts,
    BatchInfo,
    BatchTask,
    CreatedBatch,
    FinishedBatch,
    FoundBatch,
    RefusedJob,
)
from kiln.contract.batch_request import MOST_JOBS
from kiln.contract.deliveries import DeliveryAttempt
from kiln.contract.progress import Progress, Step, StepName, StoredRequest, StoredSubject
from kiln.contract.usage import UsageRow
from kiln.contract.vocabulary import Stage
from kiln.images import limits
from kiln.intake.sample_webhook import WebhookTest
from kiln.operating.operations import Operation
from kiln.tasks.task import DeliveryRecord
from kiln_cli.operating import operations
from kiln_cli.pictures import batches, submit
from kiln_cli.pictures.progress_view import STAGES, STEPS
from kiln_client import Batch, answers, checking, images


def answered(model: BaseModel) -> dict[str, Any]:
    """The model as the API's JSON."""
    return model.model_dump(mode="json", exclude_none=True)


def test_vocabulary_equals_the_contract() -> None:
    assert set(get_args(answers.TaskStatus)) == set(vocabulary.TaskStatus)
    assert set(get_args(answers.Stage)) == set(Stage) == set(STAGES)
    assert set(STEPS) == set(StepName)
    assert list(vocabulary.AspectRatio) == submit.RATIOS
    assert list(vocabulary.ModelName) == submit.MODELS
    assert vocabulary.PROMPT_CHARACTERS == submit.PROMPT_CHARACTERS
    assert set(get_args(operations.Operation)) == set(Operation)
    assert images.LARGEST_BYTES == limits.IMAGE_BYTES
    assert (checking.SIDE_PIXELS, checking.RATIO) == (limits.IMAGE_SIDE_PIXELS, limits.IMAGE_RATIO)


def test_task_answer_is_read_field_by_field() -> None:
    meant = FoundTask(
        task_id="t1",
        task_info=TaskInfo(external_task_id="mine"),
        task_status=vocabulary.TaskStatus.SUCCEED,
        task_status_msg="none",
        final_unit_deduction="16",
        watermark_info=WatermarkInfo(enabled=True),
        task_result=TaskResult(images=[ResultImage(index=0, url="https://x/0", preview_url="https://x/1")]),
        created_at=1,
        updated_at=2,
        queue_position=3,
        eta_seconds=40,
    )
    read = answers.Task.read(answered(meant))
    assert (read.task_id, read.external_task_id, read.task_status) == ("t1", "mine", "succeed")
    assert (read.task_status_msg, read.final_unit_deduction, read.watermarked) == ("none", "16", True)
    assert (read.images, read.created_at, read.updated_at) == ((answers.Image(0, "https://x/0", "https://x/1"),), 1, 2)
    assert (read.queue_position, read.eta_seconds) == (3, 40)


def test_usage_answer_is_read_field_by_field() -> None:
    meant = UsageRow(caller="ada", day=date(2026, 11, 28), units="16.5", images=1, tasks=2, failures=3)
    read = answers.Usage.read(answered(meant))
    assert (read.caller, read.day, read.units) == ("ada", date(2026, 11, 28), Decimal("16.5"))
    assert (read.images, read.tasks, read.failures) == (1, 2, 3)


def test_progress_answer_is_read_field_by_field() -> None:
    meant = Progress(
        task_id="t1",
        task_status=vocabulary.TaskStatus.SUBMITTED,
        stage=Stage.WAITING,
        queue_position=2,
        eta_seconds=40,
        is_paused=True,
        steps=[Step(step=StepName.ACCEPTED, at=1)],
        dispatch_attempts=1,
        polls=2,
        wake_ups=3,
        refusal="full",
    )
    read = answers.Progress.read(answered(meant))
    assert {name: getattr(read, name) for name in Progress.model_fields if name != "steps"} == {
        name: value for name, value in answered(meant).items() if name != "steps"
    }
    assert read.steps == (answers.Step("accepted", 1),)


def test_request_answer_is_read_field_by_field() -> None:
    meant = StoredRequest(
        task_id="t1",
        model_name=vocabulary.ModelName.KLING_V2,
        prompt="A cat",
        subject_image_list=[StoredSubject(subject_image="https://x/cat.png")],
        scene_image="https://x/scene.png",
        n=2,
        aspect_ratio=vocabulary.AspectRatio.R1_1,
        watermark_info=WatermarkInfo(enabled=True),
        callback_url="https://x/hook",
        callback_statuses=["failed"],
        priority=vocabulary.Priority.LOW,
    )
    read = answers.StoredRequest.read(answered(meant))
    assert (read.model_name, read.prompt, read.n, read.aspect_ratio) == ("kling-v2", "A cat", 2, "1:1")
    assert (read.subject_images, read.scene_image, read.style_image) == (
        ("https://x/cat.png",),
        "https://x/scene.png",
        None,
    )
    assert (read.watermarked, read.callback_url) == (True, "https://x/hook")
    assert (read.callback_statuses, read.priority) == (("failed",), "low")


def test_delivery_answer_is_read_field_by_field() -> None:
    meant = DeliveryRecord(
        task_status=vocabulary.TaskStatus.FAILED,
        attempt=2,
        attempted_at=1,
        outcome="retry",
        http_status=503,
        reason="busy",
        next_attempt_at=9,
    )
    read = answers.Delivery.read(answered(meant))
    assert {name: getattr(read, name) for name in DeliveryRecord.model_fields} == answered(meant)


def test_webhook_test_answer_is_read_field_by_field() -> None:
    meant = WebhookTest(
        is_delivered=False, http_status=500, reason="HTTP 500", milliseconds=7, signature_headers=["webhook-id"]
    )
    read = answers.WebhookTest.read(answered(meant))
    assert {name: getattr(read, name) for name in WebhookTest.model_fields} == {
        **answered(meant),
        "signature_headers": ("webhook-id",),
    }


def test_batch_answers_are_read_field_by_field() -> None:
    task = FoundTask(task_id="t1", task_status=vocabulary.TaskStatus.SUCCEED, created_at=1, updated_at=2)
    refused = RefusedJob(job=2, code=1201, message="why")
    common = {"batch_id": "b1", "batch_info": BatchInfo(external_batch_id="mine"), "created_at": 1}
    counts = BatchCounts(jobs=2, refused=1, succeed=1)
    attempt = DeliveryAttempt(attempt=2, attempted_at=3, outcome="retry", http_status=503)
    found = FoundBatch(**common, counts=counts, finished_at=9, refused=[refused], tasks=[task], deliveries=[attempt])
    read = Batch.read(answered(found))
    assert [(each.attempt, each.outcome, each.http_status) for each in read.deliveries] == [(2, "retry", 503)]
    assert (read.batch_id, read.external_batch_id, read.created_at, read.finished_at) == ("b1", "mine", 1, 9)
    assert (read.task_ids, read.tasks[0].has_succeeded) == (("t1",), True)
    assert (read.refused, read.counts) == ((answered(refused),), answered(counts))
    created = CreatedBatch(**common, tasks=[BatchTask(job=1, task_id="t1")], refused=[refused])
    assert Batch.read(answered(created)).task_ids == ("t1",)
    finished = FinishedBatch(**common, counts=counts, finished_at=9, tasks=[BatchTask(job=1, task_id="t1")])
    assert Batch.read(answered(finished)).is_finished
    assert batches.MOST_JOBS == MOST_JOBS
