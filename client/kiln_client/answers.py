"""The API's answers as plain immutable objects; their fields have the contract's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal, Self

TaskStatus = Literal["submitted", "processing", "succeed", "failed"]
Stage = Literal["waiting", "dispatching", "generating", "collecting", "succeed", "failed"]

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Image:
    """One generated image.

    Attributes:
        index: Number of the image within the task, from 0.
        url: A link that opens without a key.
        preview_url: The same of a small WebP; empty if none could be made.
    """

    index: int
    url: str
    preview_url: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is read field by field."""

    @classmethod
    def _of(cls, data: Json, **read: Any) -> Self:
        """Takes the fields that were not read already from an answer; a missing or null one has its default."""
        known = {each.name for each in fields(cls)} & data.keys()
        return cls(**{name: data[name] for name in known if data[name] is not None} | read | {"answer": data})


@dataclass(frozen=True, slots=True)
class _Ending(Answer):
    """An answer with a status that may be the last one."""

    task_id: str
    task_status: TaskStatus

    @property
    def is_finished(self) -> bool:
        """Whether the task has ended."""
        return self.task_status in {"succeed", "failed"}


@dataclass(frozen=True, slots=True)
class Task(_Ending):
    """One task, as *create*, *query* and *list* answer with it.

    Attributes:
        task_id: Kiln's id of the task.
        task_status: ``submitted``, ``processing``, ``succeed`` or ``failed``.
        created_at: Milliseconds since the epoch.
        updated_at: Milliseconds since the epoch.
        external_task_id: The caller's own id; empty if none was given.
        task_status_msg: Why the task failed; empty otherwise.
        final_unit_deduction: Units that the provider has charged, a decimal string.
        watermarked: Whether watermarked images were requested.
        images: The generated images; none until the task has succeeded.
        queue_position: The task's place in the queue while it waits; 1 is next.
        eta_seconds: Estimated seconds until the task ends; ``None`` where Kiln knows too little.
        answer: The whole answer, with fields that have no name here.
    """

    created_at: int
    updated_at: int
    external_task_id: str = ""
    task_status_msg: str = ""
    final_unit_deduction: str = ""
    watermarked: bool = False
    images: tuple[Image, ...] = ()
    queue_position: int | None = None
    eta_seconds: int | None = None
    answer: Json = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls, data: Json) -> Task:
        """Reads ``data`` of an answer, or the body of a webhook."""
        images = (data.get("task_result") or {}).get("images") or []
        return cls._of(
            data,
            external_task_id=(data.get("task_info") or {}).get("external_task_id", ""),
            watermarked=_is_watermarked(data),
            images=tuple(Image(int(image["index"]), image["url"], image.get("preview_url", "")) for image in images),
        )

    @property
    def has_succeeded(self) -> bool:
        """Whether the images exist."""
        return self.task_status == "succeed"

    @property
    def created(self) -> datetime:
        """When the task was accepted."""
        return datetime.fromtimestamp(self.created_at / 1_000, UTC)


@dataclass(frozen=True, slots=True)
class Step:
    """A step that a task has reached.

    Attributes:
        step: ``accepted``, ``slots_acquired``, ``dispatched``, ``collecting``, ``succeed`` or ``failed``.
        at: Milliseconds since the epoch.
    """

    step: str
    at: int


@dataclass(frozen=True, slots=True)
class Progress(_Ending):
    """A task's progress.

    Attributes:
        task_id: Kiln's id of the task.
        task_status: The contract's status, coarser than ``stage``.
        stage: The task's current stage.
        queue_position: The task's place in the queue while it waits; 1 is next.
        eta_seconds: Estimated seconds until the task ends; ``None`` where Kiln knows too little.
        is_paused: Whether it waits because an operator has paused dispatch.
        steps: The steps reached so far, oldest first.
        dispatch_attempts: How often Kiln offered the task to the provider.
        polls: How often Kiln asked the provider for the task's status.
        wake_ups: How often the task's workflow was woken.
        refusal: Why the provider does not accept the task yet; empty otherwise.
        answer: The whole answer.
    """

    stage: Stage
    queue_position: int | None = None
    eta_seconds: int | None = None
    is_paused: bool = False
    steps: tuple[Step, ...] = ()
    dispatch_attempts: int = 0
    polls: int = 0
    wake_ups: int = 0
    refusal: str = ""
    answer: Json = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls, data: Json) -> Progress:
        """Reads ``data`` of an answer."""
        return cls._of(data, steps=tuple(Step(step["step"], step["at"]) for step in data.get("steps", [])))


@dataclass(frozen=True, slots=True)
class StoredRequest(Answer):
    """The request that created a task.

    Attributes:
        model_name: The model that generates.
        n: How many images.
        aspect_ratio: Width to height of the results.
        prompt: Describes the images to generate; empty if none was given.
        watermarked: Whether watermarked images were requested.
        callback_url: Receives webhooks; empty if none was given.
        callback_statuses: The statuses that it is notified of; empty for all.
        priority: ``low`` waits behind every task of normal priority.
        subject_images: Links to the subjects.
        scene_image: Link to the scene, if one was given.
        style_image: Link to the style, if one was given.
        answer: The whole answer.
    """

    model_name: str
    n: int
    aspect_ratio: str
    prompt: str = ""
    watermarked: bool = False
    callback_url: str = ""
    callback_statuses: tuple[TaskStatus, ...] = ()
    priority: str = "normal"
    subject_images: tuple[str, ...] = ()
    scene_image: str | None = None
    style_image: str | None = None
    answer: Json = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls, data: Json) -> StoredRequest:
        """Reads ``data`` of an answer."""
        return cls._of(
            data,
            watermarked=_is_watermarked(data),
            callback_statuses=tuple(data.get("callback_statuses") or ()),
            subject_images=tuple(each["subject_image"] for each in data["subject_image_list"]),
            scene_image=data.get("scene_image") or None,
            style_image=data.get("style_image") or None,
        )


@dataclass(frozen=True, slots=True)
class Delivery(Answer):
    """One attempt to notify a ``callback_url`` of a change of a task, or of the end of a batch.

    Attributes:
        attempt: From 1.
        attempted_at: Milliseconds since the epoch.
        outcome: ``delivered``, ``retry`` or ``given_up``.
        http_status: The receiver's answer, if there was one.
        reason: Why the attempt failed.
        next_attempt_at: Milliseconds since the epoch, if there will be another attempt.
        task_status: The status in the webhook; ``None`` for a batch.
        answer: The whole answer.
    """

    attempt: int
    attempted_at: int
    outcome: str
    http_status: int | None = None
    reason: str = ""
    next_attempt_at: int | None = None
    task_status: TaskStatus | None = None
    answer: Json = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls, data: Json) -> Delivery:
        """Reads an element of ``data`` of an answer."""
        return cls._of(data)


@dataclass(frozen=True, slots=True)
class Usage(Answer):
    """The sums over your tasks that ended on one day, or within a whole time.

    Attributes:
        caller: Your name at this Kiln.
        units: The units that the provider charged.
        images: Images that were stored.
        tasks: Tasks that ended, with failures.
        failures: Tasks that failed, with cancelled ones.
        day: The day (UTC); ``None`` for a whole time.
        answer: The whole answer.
    """

    caller: str
    units: Decimal
    images: int
    tasks: int
    failures: int
    day: date | None = None
    answer: Json = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls, data: Json) -> Usage:
        """Reads an element of ``data`` of an answer."""
        day = date.fromisoformat(data["day"]) if data.get("day") else None
        return cls._of(data, units=Decimal(data["units"]), day=day)


@dataclass(frozen=True, slots=True)
class WebhookTest(Answer):
    """A receiver's answer to one sample webhook.

    Attributes:
        is_delivered: Whether the receiver answered with a 2xx in time.
        milliseconds: From the beginning of the request to the answer.
        signature_headers: The headers of Standard Webhooks that were sent.
        http_status: The receiver's answer, if there was one.
        reason: Why the attempt failed.
        answer: The whole answer.
    """

    is_delivered: bool
    milliseconds: int
    signature_headers: tuple[str, ...] = ()
    http_status: int | None = None
    reason: str = ""
    answer: Json = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls, data: Json) -> WebhookTest:
        """Reads ``data`` of an answer."""
        return cls._of(data, signature_headers=tuple(data.get("signature_headers", ())))


def _is_watermarked(data: Json) -> bool:
    return bool((data.get("watermark_info") or {}).get("enabled"))
