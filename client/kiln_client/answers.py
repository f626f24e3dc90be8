"""What the API answers with, as plain immutable objects whose fields have the contract's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

TaskStatus = Literal["submitted", "processing", "succeed", "failed"]
Stage = Literal["waiting", "dispatching", "generating", "collecting", "succeed", "failed"]

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Image:
    """One generated image.

    Attributes:
        index: Number of the image within the task, from 0.
        url: Where it is; opens without a key.
    """

    index: int
    url: str


@dataclass(frozen=True, slots=True)
class Task:
    """One task, as *create*, *query* and *list* answer with it.

    Attributes:
        task_id: Kiln's id of it.
        task_status: ``submitted``, ``processing``, ``succeed`` or ``failed``.
        created_at: Milliseconds since the epoch.
        updated_at: Milliseconds since the epoch.
        external_task_id: The caller's own id; empty when none was given.
        task_status_msg: Why it failed; empty otherwise.
        final_unit_deduction: Units that the provider has charged, a decimal string.
        watermarked: Whether watermarked images were asked for.
        images: The generated images; none until it has succeeded.
        queue_position: Its place in line while it waits for its turn; 1 is next.
        answer: All that the API said, fields that are not named here included.
    """

    task_id: str
    task_status: TaskStatus
    created_at: int
    updated_at: int
    external_task_id: str = ""
    task_status_msg: str = ""
    final_unit_deduction: str = ""
    watermarked: bool = False
    images: tuple[Image, ...] = ()
    queue_position: int | None = None
    answer: Json = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls, data: Json) -> Task:
        """Reads ``data`` of an answer, or the body of a webhook."""
        images = (data.get("task_result") or {}).get("images") or []
        return cls(
            task_id=data["task_id"],
            task_status=data["task_status"],
            created_at=data["created_at"],
            updated_at=data["updated_at"],
            external_task_id=(data.get("task_info") or {}).get("external_task_id", ""),
            task_status_msg=data.get("task_status_msg", ""),
            final_unit_deduction=data.get("final_unit_deduction", ""),
            watermarked=bool((data.get("watermark_info") or {}).get("enabled")),
            images=tuple(Image(int(image["index"]), image["url"]) for image in images),
            queue_position=data.get("queue_position"),
            answer=data,
        )

    @property
    def is_finished(self) -> bool:
        """Whether it never changes again."""
        return self.task_status in {"succeed", "failed"}

    @property
    def has_succeeded(self) -> bool:
        """Whether its images are there."""
        return self.task_status == "succeed"

    @property
    def created(self) -> datetime:
        """When it was accepted."""
        return datetime.fromtimestamp(self.created_at / 1_000, UTC)


@dataclass(frozen=True, slots=True)
class Step:
    """A step that a task has reached.

    Attributes:
        step: ``accepted``, ``turn`` (it has its slots), ``dispatched``, ``collecting``, ``succeed`` or ``failed``.
        at: Milliseconds since the epoch.
    """

    step: str
    at: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a task has come.

    Attributes:
        task_id: Kiln's id of the task.
        task_status: The contract's, coarser than ``stage``.
        stage: Where it is now.
        queue_position: Its place in line while it waits for its turn; 1 is next.
        steps: What it has reached so far, oldest first.
        dispatch_attempts: How often it was offered to the provider.
        polls: How often the provider was asked for it.
        bells: How often its workflow was woken.
        refusal: Why the provider does not take it yet; empty otherwise.
        answer: All that the API said.
    """

    task_id: str
    task_status: TaskStatus
    stage: Stage
    queue_position: int | None = None
    steps: tuple[Step, ...] = ()
    dispatch_attempts: int = 0
    polls: int = 0
    bells: int = 0
    refusal: str = ""
    answer: Json = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls, data: Json) -> Progress:
        """Reads ``data`` of an answer."""
        return cls(
            task_id=data["task_id"],
            task_status=data["task_status"],
            stage=data["stage"],
            queue_position=data.get("queue_position"),
            steps=tuple(Step(step["step"], step["at"]) for step in data.get("steps", [])),
            dispatch_attempts=data.get("dispatch_attempts", 0),
            polls=data.get("polls", 0),
            bells=data.get("bells", 0),
            refusal=data.get("refusal", ""),
            answer=data,
        )

    @property
    def is_finished(self) -> bool:
        """Whether the task never changes again."""
        return self.task_status in {"succeed", "failed"}


@dataclass(frozen=True, slots=True)
class KeptRequest:
    """What a task was created with.

    Attributes:
        model_name: Which model generates.
        prompt: What to make of the images.
        n: How many images.
        aspect_ratio: Width to height of the results.
        watermarked: Whether watermarked images were asked for.
        callback_url: Told of status changes; empty when none was given.
        subject_images: Links to the subjects.
        scene_image: Link to the scene, if one was given.
        style_image: Link to the style, if one was given.
        answer: All that the API said.
    """

    model_name: str
    prompt: str
    n: int
    aspect_ratio: str
    watermarked: bool
    callback_url: str
    subject_images: tuple[str, ...]
    scene_image: str | None = None
    style_image: str | None = None
    answer: Json = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls, data: Json) -> KeptRequest:
        """Reads ``data`` of an answer."""
        return cls(
            model_name=data["model_name"],
            prompt=data.get("prompt") or "",
            n=data["n"],
            aspect_ratio=data["aspect_ratio"],
            watermarked=bool((data.get("watermark_info") or {}).get("enabled")),
            callback_url=data.get("callback_url") or "",
            subject_images=tuple(each["subject_image"] for each in data["subject_image_list"]),
            scene_image=data.get("scene_image") or None,
            style_image=data.get("style_image") or None,
            answer=data,
        )


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to tell a task's ``callback_url`` of a change.

    Attributes:
        task_status: The change that was told.
        attempt: From 1.
        attempted_at: Milliseconds since the epoch.
        outcome: ``delivered``, ``retry`` or ``given_up``.
        http_status: What the receiver answered, if it did.
        reason: Why it failed.
        next_attempt_at: Milliseconds since the epoch, if there will be one.
        answer: All that the API said.
    """

    task_status: TaskStatus
    attempt: int
    attempted_at: int
    outcome: str
    http_status: int | None = None
    reason: str = ""
    next_attempt_at: int | None = None
    answer: Json = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls, data: Json) -> Delivery:
        """Reads an element of ``data`` of an answer."""
        return cls(
            task_status=data["task_status"],
            attempt=data["attempt"],
            attempted_at=data["attempted_at"],
            outcome=data["outcome"],
            http_status=data.get("http_status"),
            reason=data.get("reason", ""),
            next_attempt_at=data.get("next_attempt_at"),
            answer=data,
        )
