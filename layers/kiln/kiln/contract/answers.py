"""Answers to create, query and list, and the body of a callback."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field, field_validator

from kiln.contract.vocabulary import TaskStatus


def _is_empty(value: object) -> bool:
    return not value


class TaskInfo(BaseModel, defer_build=True):
    """The caller's own id of the task, given at creation."""

    external_task_id: str = Field(default="", description="The caller's own id; empty when none was given")


class WatermarkInfo(BaseModel, defer_build=True):
    """Whether watermarked results were asked for."""

    enabled: bool = False

    @field_validator("enabled", mode="before")
    @classmethod
    def _null_is_absent(cls, value: object) -> object:
        return False if value is None else value


class ResultImage(BaseModel, defer_build=True):
    """One generated image."""

    index: int = Field(description="Number of the image within the task, from 0", ge=0)
    url: str = Field(description="The image's address; it needs no Authorization header")
    preview_url: str = Field(
        default="",
        description="Kiln's own: the address of a WebP of at most 512 px; absent if none could be made",
        exclude_if=_is_empty,
    )
    watermark_url: str = Field(
        default="",
        description="The same image with a watermark; absent unless watermark_info asked for one",
        exclude_if=_is_empty,
    )


class TaskResult(BaseModel, defer_build=True):
    """The generated images; empty until the task has succeeded."""

    images: list[ResultImage] = Field(default_factory=list)


class CreatedTask(BaseModel, defer_build=True):
    """``data`` of the answer to *create*."""

    task_id: str = Field(description="Kiln's id of the task")
    task_info: TaskInfo = Field(default_factory=TaskInfo)
    task_status: TaskStatus
    created_at: int = Field(description="Milliseconds since the epoch")
    updated_at: int = Field(description="Milliseconds since the epoch")


class FoundTask(BaseModel, defer_build=True):
    """``data`` of the answer to *query one*, and an element of *query a list*."""

    task_id: str = Field(description="Kiln's id of the task")
    task_info: TaskInfo = Field(default_factory=TaskInfo)
    task_status: TaskStatus
    task_status_msg: str = Field(
        default="", description="Why the task failed, or which images a task that succeeded lacks; empty otherwise"
    )
    final_unit_deduction: str = Field(
        default="",
        description="Units charged by the provider, a decimal string; absent until they are known",
        exclude_if=_is_empty,
    )
    final_balance_deduction: dict[str, Any] | None = Field(
        default=None,
        description="Balance charged by the provider, as the provider writes it; absent if it does not",
        exclude_if=_is_empty,
    )
    watermark_info: WatermarkInfo = Field(default_factory=WatermarkInfo)
    task_result: TaskResult = Field(default_factory=TaskResult)
    created_at: int = Field(description="Milliseconds since the epoch")
    updated_at: int = Field(description="Milliseconds since the epoch")
    batch_id: str = Field(
        default="", description="Kiln's own: the batch of the task; absent without one", exclude_if=_is_empty
    )
    prompt: str = Field(
        default="",
        description="Kiln's own: the prompt, in answers to queries; absent if there is none, and in events",
        exclude_if=_is_empty,
    )
    queue_position: int | None = Field(
        default=None,
        description="Kiln's own: position in the queue while the task waits, exact to 100, estimated to 1,000",
        ge=1,
    )
    eta_seconds: int | None = Field(
        default=None,
        description="Kiln's own: estimated seconds until the task ends; absent where too little is known",
        ge=1,
    )


class DeletedTask(BaseModel, defer_build=True):
    """``data`` of the answer to *delete*, and of the event: what stays of a deleted task."""

    task_id: str = Field(description="Kiln's id of the task")
    task_info: TaskInfo = Field(default_factory=TaskInfo)
    task_status: TaskStatus = Field(description="How the task had ended")
    final_unit_deduction: str = Field(
        default="", description="Units charged by the provider; absent if they are not known", exclude_if=_is_empty
    )
    created_at: int = Field(description="Milliseconds since the epoch")
    updated_at: int = Field(description="When the task ended, milliseconds since the epoch")
    deleted_at: int = Field(description="Milliseconds since the epoch")


class CallbackBody(BaseModel, defer_build=True):
    """The body of a post to a ``callback_url``: a bare object without the envelope (provider)."""

    task_id: str
    task_status: TaskStatus
    task_status_msg: str = ""
    task_info: TaskInfo = Field(default_factory=TaskInfo)
    final_unit_deduction: str = Field(default="", exclude_if=_is_empty)
    final_balance_deduction: dict[str, Any] | None = Field(default=None, exclude_if=_is_empty)
    task_result: TaskResult = Field(default_factory=TaskResult)
    created_at: int
    updated_at: int
