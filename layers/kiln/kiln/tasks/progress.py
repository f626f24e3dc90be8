"""A task as its caller may see it: its progress and its request."""

from __future__ import annotations

from kiln.contract.answers import TaskInfo, WatermarkInfo
from kiln.contract.progress import Progress, Step, StepName, StoredRequest, StoredSubject
from kiln.contract.vocabulary import Priority, Stage
from kiln.images.stored_links import input_link
from kiln.tasks.estimates import Estimates
from kiln.tasks.queue import TaskQueue
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task


def progress(task: Task, tasks: TaskStore) -> Progress:
    """A task's progress; a waiting task costs more reads: its position in the queue, an estimate, and the pause."""
    position = TaskQueue().position(task) if task.is_waiting else None
    return Progress(
        task_id=task.task_id,
        task_status=task.task_status,
        stage=_stage(task),
        queue_position=position,
        eta_seconds=Estimates().eta_seconds(task, position),
        is_paused=task.is_waiting and tasks.is_paused(),
        steps=_steps(task),
        dispatch_attempts=task.dispatch_attempts,
        polls=task.polls,
        wake_ups=task.wake_ups,
        refusal=task.refusal,
    )


def stored_request(task: Task) -> StoredRequest:
    """The request that created a task, with its images as links that open in a browser."""
    links = {kept.field: input_link(kept) for kept in task.inputs}
    return StoredRequest(
        task_id=task.task_id,
        task_info=TaskInfo(external_task_id=task.external_task_id),
        model_name=task.model_name,
        prompt=task.prompt,
        subject_image_list=[
            StoredSubject(subject_image=link) for field, link in links.items() if field.startswith("subject_image_list")
        ],
        scene_image=links.get("scene_image"),
        style_image=links.get("style_image"),
        n=task.n,
        aspect_ratio=task.aspect_ratio,
        watermark_info=WatermarkInfo(enabled=task.watermark),
        callback_url=task.callback_url,
        callback_statuses=task.callback_statuses,
        priority=Priority.LOW if task.is_low else Priority.NORMAL,
    )


def _stage(task: Task) -> Stage:
    if task.task_status.is_terminal:
        return Stage(task.task_status.value)
    if task.collecting_at:
        return Stage.COLLECTING
    if task.dispatched_at:
        return Stage.GENERATING
    return Stage.DISPATCHING if task.slots_acquired_at else Stage.WAITING


def _steps(task: Task) -> list[Step]:
    reached = [
        (StepName.ACCEPTED, task.created_at),
        (StepName.SLOTS_ACQUIRED, task.slots_acquired_at),
        (StepName.DISPATCHED, task.dispatched_at),
        (StepName.COLLECTING, task.collecting_at),
    ]
    if task.task_status.is_terminal:
        reached.append((StepName(task.task_status.value), task.updated_at))
    return [Step(step=step, at=at) for step, at in reached if at]
