"""A task as others see it: the answers to create and query, and the body of a callback."""

from __future__ import annotations

import json

from kiln import links
from kiln.contract.answers import (
    CallbackBody,
    CreatedTask,
    DeletedTask,
    FoundTask,
    ResultImage,
    TaskInfo,
    TaskResult,
    WatermarkInfo,
)
from kiln.contract.vocabulary import TaskStatus
from kiln.tasks.task import Task


def created_view(task: Task) -> CreatedTask:
    """The task as *create* answers with it: as it was accepted, however far it is by now."""
    return CreatedTask(
        task_id=task.task_id,
        task_info=TaskInfo(external_task_id=task.external_task_id),
        task_status=TaskStatus.SUBMITTED,
        created_at=task.created_at,
        updated_at=task.created_at,
    )


def found_view(task: Task, public_url: str) -> FoundTask:
    """The task as *query* answers with it; its images are links below ``public_url``."""
    images = [
        ResultImage(
            index=image.index,
            url=links.result_link(public_url, task.task_id, image.index, image.content_type),
            preview_url=links.preview_link(public_url, task.task_id, image.index, image.preview.content_type)
            if image.preview
            else "",
            watermark_url=links.watermark_link(public_url, task.task_id, image.index, image.watermarked.content_type)
            if image.watermarked
            else "",
        )
        for image in task.result
    ]
    return FoundTask(
        task_id=task.task_id,
        task_info=TaskInfo(external_task_id=task.external_task_id),
        task_status=task.task_status,
        task_status_msg=task.task_status_msg,
        final_unit_deduction=task.final_unit_deduction,
        final_balance_deduction=json.loads(task.final_balance_deduction) if task.final_balance_deduction else None,
        watermark_info=WatermarkInfo(enabled=task.watermark),
        task_result=TaskResult(images=images),
        created_at=task.created_at,
        updated_at=task.updated_at,
        batch_id=task.origin.batch,
        prompt=task.prompt,
    )


def callback_view(task: Task, status: TaskStatus, public_url: str) -> CallbackBody:
    """The body of the callback that notifies of the task's change to a status."""
    return CallbackBody.model_validate(found_view(task.as_of(status), public_url).model_dump())


def deleted_view(task: Task) -> DeletedTask:
    """The tombstone of a deleted task, as the answer and the event show it."""
    return DeletedTask(
        task_id=task.task_id,
        task_info=TaskInfo(external_task_id=task.external_task_id),
        task_status=task.task_status,
        final_unit_deduction=task.final_unit_deduction,
        created_at=task.created_at,
        updated_at=task.updated_at,
        deleted_at=task.deleted_at,
    )
