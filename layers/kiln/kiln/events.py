"""The events on Kiln's bus: one per status change, an envelope of ``metadata`` and ``data``; and what publishes any."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field

from kiln import aws
from kiln.contract.answers import FoundTask, ResultImage, TaskResult
from kiln.contract.vocabulary import TaskStatus
from kiln.settings import BucketSettings, BusSettings, load
from kiln.tasks.task import Task
from kiln.tasks.views import found_view

if TYPE_CHECKING:
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE = "kiln"
VERSION = "1"

DETAIL_TYPES = {
    TaskStatus.SUBMITTED: "Image Task Submitted",
    TaskStatus.PROCESSING: "Image Task Processing",
    TaskStatus.SUCCEED: "Image Task Succeeded",
    TaskStatus.FAILED: "Image Task Failed",
}

EVENT_IDS = uuid.UUID("6b696c6e-6576-656e-8000-000000000001")
"""The ids of events are made below this one."""


class BusRefused(RuntimeError):
    """The bus did not take an event; it may take it later."""


class DeliveredImage(ResultImage):
    """A generated image as events and ``result.json`` tell of it: the contract's fields, and where and what it is."""

    bucket: str
    key: str
    size: int = Field(description="Bytes")
    sha256: str = Field(description="Of the bytes, in hexadecimal")
    width: int | None = Field(
        default=None, description="Pixels; absent if it cannot be read", exclude_if=lambda value: value is None
    )
    height: int | None = Field(
        default=None, description="Pixels; absent if it cannot be read", exclude_if=lambda value: value is None
    )
    content_type: str
    preview_key: str = Field(
        default="", description="Key of the preview; absent if there is none", exclude_if=lambda value: not value
    )
    watermark_key: str = Field(
        default="",
        description="Key of the same image with a watermark; absent if there is none",
        exclude_if=lambda value: not value,
    )


class DeliveredResult(TaskResult):
    """The generated images with their places in S3."""

    images: list[DeliveredImage] = Field(default_factory=list)  # type: ignore[assignment]


class DeliveredTask(FoundTask):
    """The answer of *query*, plus where each image is stored."""

    task_result: DeliveredResult = Field(default_factory=DeliveredResult)
    images_missing: int = Field(
        default=0,
        description="How many of the n images a task that succeeded lacks; absent if none",
        ge=0,
        exclude_if=lambda value: not value,
    )


class EventMetadata(BaseModel, defer_build=True):
    """Tells one event from another.

    Attributes:
        event_id: The same whenever the same event is sent again.
        version: Of the shape of ``data``.
        occurred_at: When the status changed, in milliseconds since the epoch.
        caller: Whose task it is.
        channel: The channel that the task arrived by.
        has_receiver: Whether Kiln itself notifies a receiver of this change: the task's ``callback_url``, or the folder
            of a drop.
        ignored: What the request holds and has no effect; absent if nothing, and in every event after the first.
    """

    event_id: str
    version: str = VERSION
    occurred_at: int
    caller: str
    channel: Literal["api", "event", "drop"]
    has_receiver: bool = False
    ignored: list[str] = Field(
        default_factory=list,
        description="Fields and files of the request that have no effect, in Image Task Submitted; absent if none",
        exclude_if=lambda value: not value,
    )


class TaskEvent(BaseModel, defer_build=True):
    """The ``detail`` of every event."""

    metadata: EventMetadata
    data: DeliveredTask


class BusEntry(BaseModel, defer_build=True):
    """An entry that the workflow's publishing states put on the bus."""

    detail_type: str
    detail: TaskEvent


def event_id(task: Task, status: TaskStatus) -> str:
    """The id of a change, the same each time it is published or sent: on the bus, and as ``webhook-id``."""
    return str(uuid.uuid5(EVENT_IDS, f"{task.run_id}/{status}"))


def publish(detail_type: str, detail: BaseModel) -> None:
    """Puts an event on the bus.

    Raises:
        BusRefused: The bus did not take it.
    """
    entry: PutEventsRequestEntryTypeDef = {
        "EventBusName": load(BusSettings).event_bus,
        "Source": SOURCE,
        "DetailType": detail_type,
        "Detail": detail.model_dump_json(),
    }
    answer = aws.events().put_events(Entries=[entry])
    if answer["FailedEntryCount"]:
        raise BusRefused(f"the bus did not take the event: {answer['Entries'][0].get('ErrorCode')}")


def delivered(task: Task, public_url: str) -> DeliveredTask:
    """The task with its images' links and places."""
    found = found_view(task, public_url)
    bucket = load(BucketSettings).outbox_bucket if task.result else ""
    images = [
        DeliveredImage(
            **link.model_dump(),
            bucket=bucket,
            **kept.model_dump(exclude={"index", "watermarked", "preview"}),
            watermark_key=kept.watermarked.key if kept.watermarked else "",
            preview_key=kept.preview.key if kept.preview else "",
        )
        for link, kept in zip(found.task_result.images, task.result, strict=True)
    ]
    return DeliveredTask(
        **found.model_dump(exclude={"task_result", "prompt"}),
        task_result=DeliveredResult(images=images),
        images_missing=task.images_missing,
    )


def status_event(task: Task, public_url: str, status: TaskStatus | None = None) -> BusEntry:
    """The event of a task's change to a status: by default the one it has.

    Args:
        task: After the change.
        public_url: Kiln's own address.
        status: The change to publish, when the task may have moved on since.
    """
    changed = task.as_of(status or task.task_status)
    return BusEntry(
        detail_type=DETAIL_TYPES[changed.task_status],
        detail=TaskEvent(
            metadata=EventMetadata(
                event_id=event_id(task, changed.task_status),
                occurred_at=changed.updated_at,
                caller=task.caller,
                channel=task.origin.channel,
                has_receiver=task.notifies_of(changed.task_status)
                or (task.origin.channel == "drop" and changed.task_status.is_terminal),
                ignored=task.ignored if changed.task_status is TaskStatus.SUBMITTED else [],
            ),
            data=delivered(changed, public_url),
        ),
    )
