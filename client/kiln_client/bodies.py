"""The bodies of creates: the options of a task, the jobs of a batch, and the images that they send."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypedDict, Unpack

from kiln_client.answers import TaskStatus
from kiln_client.images import Content, ImageSource, read_image

_REFERENCES: tuple[Literal["scene_image", "style_image"], ...] = ("scene_image", "style_image")
_FIELDS: tuple[
    Literal[
        "prompt", "n", "aspect_ratio", "model_name", "callback_url", "callback_statuses", "external_task_id", "priority"
    ],
    ...,
] = (
    "prompt",
    "n",
    "aspect_ratio",
    "model_name",
    "callback_url",
    "callback_statuses",
    "external_task_id",
    "priority",
)


class TaskOptions(TypedDict, total=False):
    """The options of a task; a missing one, or ``None``, has the contract's default.

    Attributes:
        prompt: Describes the images to generate.
        scene_image: Reference for the scene.
        style_image: Reference for the style.
        n: How many images to generate.
        aspect_ratio: Width to height of the results.
        model_name: The model that generates.
        watermark: Whether to watermark.
        callback_url: Receives a webhook at each change of status.
        callback_statuses: The statuses that it is notified of; default is all.
        external_task_id: Your own id, unique among your tasks.
        priority: ``low`` waits behind every task of normal priority; default is ``normal``.
        idempotency_key: The same key and request is the same task; default is a new key.
    """

    prompt: str | None
    scene_image: ImageSource | None
    style_image: ImageSource | None
    n: int | None
    aspect_ratio: str | None
    model_name: str | None
    watermark: bool | None
    callback_url: str | None
    callback_statuses: Sequence[TaskStatus] | None
    external_task_id: str | None
    priority: str | None
    idempotency_key: str | None


class Job:
    """One job of a batch: the arguments of ``create``, without ``idempotency_key``."""

    def __init__(self, *subject_images: ImageSource, **options: Unpack[TaskOptions]) -> None:
        self.subject_images = subject_images
        self.options = options


class BatchOptions(TypedDict, total=False):
    """The options of a batch.

    Attributes:
        external_batch_id: Your own id, unique among your batches.
        callback_url: Receives one webhook, when every task has ended.
        priority: ``low`` for jobs that may wait behind all other tasks.
        all_or_nothing: Create no task if one job is refused.
        idempotency_key: The same key and jobs are the same batch; default is a new key.
    """

    external_batch_id: str | None
    callback_url: str | None
    priority: Literal["normal", "low"] | None
    all_or_nothing: bool | None
    idempotency_key: str | None


class Contents:
    """The images of a request; a source that is named twice is read and sent once.

    Attributes:
        uploaded: The references of those that do not travel inside the request.
    """

    def __init__(self) -> None:
        self._read: dict[ImageSource, Content | str] = {}
        self.uploaded: dict[Content, str] = {}

    @property
    def images(self) -> list[Content]:
        """Every image with bytes to send."""
        return [image for image in self._read.values() if isinstance(image, Content)]

    def body(self, subject_images: Sequence[ImageSource], options: TaskOptions) -> dict[str, Any]:
        """The body of a create; its images are not replaced yet.

        Raises:
            TypeError: There is no such option: a misspelt one would have no effect.
        """
        if unknown := options.keys() - TaskOptions.__annotations__.keys():
            raise TypeError(f"no such option: {', '.join(sorted(unknown))}")
        body: dict[str, Any] = {
            "subject_image_list": [{"subject_image": self._image(each)} for each in subject_images],
            **{name: self._image(source) for name in _REFERENCES if (source := options.get(name)) is not None},
            **{name: options[name] for name in _FIELDS if options.get(name) is not None},
        }
        if options.get("watermark") is not None:
            body["watermark_info"] = {"enabled": options["watermark"]}
        return body

    def sent(self, value: Any) -> Any:
        """A part of a body, with each image as its reference or as Base64."""
        match value:
            case Content():
                return self.uploaded.get(value) or value.inline()
            case dict():
                return {name: self.sent(each) for name, each in value.items()}
            case list():
                return [self.sent(each) for each in value]
        return value

    def _image(self, source: ImageSource) -> Content | str:
        if source not in self._read:
            self._read[source] = read_image(source)
        return self._read[source]
