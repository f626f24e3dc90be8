"""What a task is: the request, its course and its result, as kept in DynamoDB."""

from __future__ import annotations

import uuid
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from kiln.contract.answers import CallbackBody, CreatedTask, FoundTask, ResultImage, TaskInfo, TaskResult, WatermarkInfo
from kiln.contract.vocabulary import AspectRatio, ModelName, TaskStatus
from kiln.images import links
from kiln.settings import TableSettings, load

_TASK_IDS = uuid.UUID("6b696c6e-7461-736b-8000-000000000001")


class KeptInput(BaseModel, defer_build=True):
    """One input image of an accepted task: a URL, or an object in S3."""

    field: str
    url: str | None = None
    bucket: str | None = None
    key: str | None = None
    version_id: str | None = None


class KeptImage(BaseModel, defer_build=True):
    """One generated image in the outbox bucket.

    Attributes:
        index: Number within the task, from 0.
        key: Of the object.
        size: In bytes.
        sha256: Of the bytes, in hexadecimal.
        width: In pixels.
        height: In pixels.
        content_type: By content.
    """

    index: int
    key: str
    size: int
    sha256: str
    width: int
    height: int
    content_type: str


class DeliveryRecord(BaseModel, defer_build=True):
    """One attempt to deliver a webhook."""

    task_status: TaskStatus = Field(description="The change that was told")
    attempt: int = Field(description="From 1")
    attempted_at: int = Field(description="Milliseconds since the epoch")
    outcome: str = Field(description="delivered, retry or given_up")
    http_status: int | None = Field(default=None, description="What the receiver answered, if it did")
    reason: str = Field(default="", description="Why it failed")
    next_attempt_at: int | None = Field(default=None, description="Milliseconds since the epoch")


class Origin(BaseModel, defer_build=True):
    """Where a task came from, and so where its results go: the API, the bus, or a drop into the inbox.

    Attributes:
        door: Which way it came in.
        folder: Of a drop: where in the outbox its ``result.json`` goes.
        part: Of a list of jobs: its number, from 1.
        parts: Of a list of jobs: how many there are; 0 for a folder with one job.
        batch: Of a list of jobs: tells one list from another.
        version: Of a drop: which version of its ``job.json``, or of the single image, it was made of.
    """

    door: Literal["api", "bus", "drop"] = "api"
    folder: str = ""
    part: int = 0
    parts: int = 0
    batch: str = ""
    version: str = ""


class Task(BaseModel, defer_build=True):
    """One task. Times are milliseconds since the epoch.

    The ``run_id`` names what is made for the task and must not be mistaken for another's: its executions, its events,
    and its task at the provider. The ``task_id`` alone would not do: where it is made of the content, it comes again
    with the content, and those who knew the first task by it may remember it for longer than the table does.
    """

    model_config = ConfigDict(protected_namespaces=(), extra="ignore")

    task_id: str
    # What a release before this one has accepted is known by its id alone, to Step Functions and to the provider.
    run_id: str = Field(default_factory=lambda fields: str(fields["task_id"]))
    caller: str
    sequence: int
    external_task_id: str = ""
    task_status: TaskStatus = TaskStatus.SUBMITTED
    task_status_msg: str = ""
    created_at: int
    updated_at: int
    model_name: ModelName
    prompt: str = Field(default="", repr=False)
    n: int
    aspect_ratio: AspectRatio
    watermark: bool = False
    callback_url: str = Field(default="", repr=False)
    inputs: list[KeptInput] = Field(default_factory=list, repr=False)
    origin: Origin = Field(default_factory=Origin)
    provider_task_id: str = ""
    dispatch_attempts: int = 0
    polls: int = 0
    bells: int = 0
    turn_at: int = 0
    dispatched_at: int = 0
    collecting_at: int = 0
    refusal: str = ""
    request_digest: str = ""
    queue: str = ""
    turn: int = 0
    final_unit_deduction: str = ""
    result: list[KeptImage] = Field(default_factory=list)
    collected: list[KeptImage] = Field(default_factory=list, repr=False)
    deliveries: list[DeliveryRecord] = Field(default_factory=list)
    bell: int | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether it still stands in line for its slots."""
        return bool(self.queue)

    @property
    def result_prefix(self) -> str:
        """Where in the outbox bucket this task's images are; no two tasks share one."""
        return f"{self.origin.folder}/{self.task_id}" if self.origin.door == "drop" else f"tasks/{self.task_id}"

    @property
    def attempted_deliveries(self) -> list[DeliveryRecord]:
        """Every attempt, the oldest first: changes are told side by side, and are recorded in any order."""
        return sorted(self.deliveries, key=lambda delivery: delivery.attempted_at)

    def told(self, status: TaskStatus, public_url: str) -> CallbackBody:
        """The task as a callback tells of its change to a status."""
        return CallbackBody.model_validate(self.as_of(status).found(public_url).model_dump())

    def as_of(self, status: TaskStatus) -> Task:
        """The task as it was when it changed to a status: it may have moved on before the change is told."""
        if status.is_terminal:
            return self.model_copy(update={"task_status": status})
        past = {"task_status": status, "task_status_msg": "", "final_unit_deduction": "", "result": []}
        accepted = {"updated_at": self.created_at} if status is TaskStatus.SUBMITTED else {}
        return self.model_copy(update=past | accepted)

    def created(self) -> CreatedTask:
        """The task as *create* answers with it: as it was accepted, however far it has come since."""
        return CreatedTask(
            task_id=self.task_id,
            task_info=TaskInfo(external_task_id=self.external_task_id),
            task_status=TaskStatus.SUBMITTED,
            created_at=self.created_at,
            updated_at=self.created_at,
        )

    def found(self, public_url: str) -> FoundTask:
        """The task as *query* answers with it; images as links below Kiln's own address."""
        images = [
            ResultImage(index=image.index, url=links.address(public_url, self.task_id, image.index, image.content_type))
            for image in self.result
        ]
        return FoundTask(
            task_id=self.task_id,
            task_info=TaskInfo(external_task_id=self.external_task_id),
            task_status=self.task_status,
            task_status_msg=self.task_status_msg,
            final_unit_deduction=self.final_unit_deduction,
            watermark_info=WatermarkInfo(enabled=self.watermark),
            task_result=TaskResult(images=images),
            created_at=self.created_at,
            updated_at=self.updated_at,
        )


def new_task_id() -> str:
    """A fresh, unguessable id."""
    return uuid.uuid4().hex


def content_task_id(*content: str) -> str:
    """The id that belongs to this content in this installation: the same drop, however often told of, is one task.

    The table's name goes in: two installations may share a provider account, to which these ids are external ids.
    """
    return uuid.uuid5(_TASK_IDS, "\n".join((load(TableSettings).table_name, *content))).hex
