"""Kiln's own answers about a task: its progress, and the request that created it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from kiln.contract.answers import TaskInfo, WatermarkInfo
from kiln.contract.vocabulary import Priority, Stage, TaskStatus


class StepName(StrEnum):
    """A recorded step of a task's progress."""

    ACCEPTED = "accepted"
    SLOTS_ACQUIRED = "slots_acquired"
    DISPATCHED = "dispatched"
    COLLECTING = "collecting"
    SUCCEED = "succeed"
    FAILED = "failed"


class Step(BaseModel, defer_build=True):
    """One step that a task has reached."""

    step: StepName = Field(
        description="accepted; slots_acquired; dispatched: the provider has it; collecting: its images are "
        "being copied; succeed or failed"
    )
    at: int = Field(description="Milliseconds since the epoch")


class Progress(BaseModel, defer_build=True):
    """``data`` of the answer to *progress*."""

    task_id: str = Field(description="Kiln's id of the task")
    task_status: TaskStatus
    stage: Stage = Field(description="Where the task is now")
    queue_position: int | None = Field(
        default=None, description="Position in the queue while the task waits, exact to 100, estimated to 1,000", ge=1
    )
    eta_seconds: int | None = Field(
        default=None, description="Estimated seconds until the task ends; absent where too little is known", ge=1
    )
    is_paused: bool = Field(
        default=False,
        description="True while the task waits because an operator has paused dispatch; absent otherwise",
        exclude_if=lambda value: not value,
    )
    steps: list[Step] = Field(description="Its steps so far, oldest first")
    dispatch_attempts: int = Field(description="How many attempts were made to create it at the provider", ge=0)
    polls: int = Field(description="How often the provider was asked for it", ge=0)
    wake_ups: int = Field(description="How often its workflow was woken: by a callback, or when it got its slots", ge=0)
    refusal: str = Field(
        default="", description="Why the task does not advance, as the provider answered last; empty otherwise"
    )


class StoredSubject(BaseModel, defer_build=True):
    """One element of ``subject_image_list`` of a stored request."""

    subject_image: str = Field(description="A link of an hour to the image, or the caller's own URL")


class StoredRequest(BaseModel, defer_build=True):
    """``data`` of the answer to *request*: the request that created the task, with its defaults."""

    model_config = ConfigDict(protected_namespaces=())

    task_id: str = Field(description="Kiln's id of the task")
    task_info: TaskInfo = Field(default_factory=TaskInfo)
    model_name: str
    prompt: str = ""
    subject_image_list: list[StoredSubject]
    scene_image: str | None = Field(default=None, description="A link of an hour to the image, or the caller's own URL")
    style_image: str | None = Field(default=None, description="A link of an hour to the image, or the caller's own URL")
    n: int
    aspect_ratio: str
    watermark_info: WatermarkInfo = Field(default_factory=WatermarkInfo)
    callback_url: str = ""
    callback_statuses: list[str] = Field(
        default_factory=list, description="The statuses that the callback_url is notified of; empty for all"
    )
    priority: Priority = Field(default=Priority.NORMAL, description="low waits behind every task of normal priority")
