"""The create request, with every limit and default of the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    model_validator,
)

from kiln.contract.answers import WatermarkInfo
from kiln.contract.bodies import LOST, described_body, without_mark
from kiln.contract.variants import read_variants
from kiln.contract.violations import AddressViolation, invalid_request, shown
from kiln.contract.vocabulary import (
    DIGITS,
    EXTERNAL_ID_CHARACTERS,
    IMAGES_PER_TASK,
    PROMPT_CHARACTERS,
    SUBJECTS,
    URL_CHARACTERS,
    AspectRatio,
    ModelName,
    Priority,
    TaskStatus,
)
from kiln.errors import MalformedRequest
from kiln.images.inputs import InputImage, Offer, looks_like_a_name, read_input

Model = TypeVar("Model", bound=BaseModel)

_NOT_JSON = "body: must be JSON in UTF-8"


def _read_image(value: Any, info: ValidationInfo) -> InputImage:
    if isinstance(value, InputImage):
        return value
    if not isinstance(value, str):
        raise ValueError("must be an http(s) URL or a Base64 image")
    return read_input(value, {} if info.context is None else info.context)


def _written_image(image: InputImage) -> str | None:
    return image.url


def _not_a_boolean(value: Any) -> Any:
    # Pydantic would read "1_0" as 10.
    if isinstance(value, bool) or (isinstance(value, str) and not DIGITS.fullmatch(value)):
        raise ValueError("must be an integer")
    return value


ImageField = Annotated[
    InputImage,
    PlainValidator(_read_image),
    PlainSerializer(_written_image),
    WithJsonSchema(
        {
            "type": "string",
            "description": "URL or Base64 (with or without a data: prefix) of a jpg, jpeg or png: at most 10 MB, "
            "each side at least 300 px, width to height from 1:2.5 to 2.5:1",
        }
    ),
]


def _check_http(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable or any(character.isspace() or character < " " for character in url):
        raise AddressViolation("must be an http(s) URL", url)
    return url


CallbackUrl = Annotated[str, Field(max_length=URL_CHARACTERS), AfterValidator(_check_http)]
"""An address that a webhook can be sent to; delivery judges where it leads."""


class SubjectImage(BaseModel, defer_build=True):
    """One element of ``subject_image_list``."""

    subject_image: ImageField = Field(repr=False)


class CreateRequest(BaseModel, defer_build=True):
    """The body of *create* (contract). Unknown fields have no effect; null and an empty string count as absent."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())

    model_name: ModelName = Field(default=ModelName.KLING_V2, description="Which model generates")
    prompt: str | None = Field(
        default=None, max_length=PROMPT_CHARACTERS, description="Describes the images to generate"
    )
    subject_image_list: list[SubjectImage] = Field(
        min_length=SUBJECTS[0], max_length=SUBJECTS[1], description="The subjects, already cropped", repr=False
    )
    scene_image: ImageField | None = Field(default=None, description="Reference for the scene", repr=False)
    style_image: ImageField | None = Field(default=None, description="Reference for the style", repr=False)
    n: Annotated[int, BeforeValidator(_not_a_boolean)] = Field(
        default=1, ge=IMAGES_PER_TASK[0], le=IMAGES_PER_TASK[1], description="How many images to generate"
    )
    aspect_ratio: AspectRatio = Field(default=AspectRatio.R16_9, description="Width to height of the results")
    watermark_info: WatermarkInfo = Field(default_factory=WatermarkInfo, description="Whether to watermark")
    callback_url: CallbackUrl | None = Field(
        default=None, description="Webhook URL, notified of each change of the status"
    )
    callback_statuses: list[TaskStatus] | None = Field(
        default=None,
        min_length=1,
        max_length=len(TaskStatus),
        description="Kiln's own: the statuses that the callback_url is notified of; all by default",
    )
    external_task_id: str | None = Field(
        default=None, max_length=EXTERNAL_ID_CHARACTERS, description="The caller's own id, unique per caller"
    )
    priority: Priority = Field(
        default=Priority.NORMAL, description="low waits while any task of normal priority waits (Kiln's own)"
    )

    # pydantic copies a default for each request. A factory's signature would be inspected for each.
    _ignored: list[str] = PrivateAttr(default=[])

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, body: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        if not isinstance(body, Mapping):
            return handler(body)
        read, ignored = read_variants(body, cls.model_fields)
        request = handler(read)
        request._ignored = ignored  # noqa: SLF001 - the model's own
        return request

    @property
    def ignored(self) -> list[str]:
        """The names of the fields that were sent and have no effect; those of other products are left out."""
        return self._ignored

    def images(self) -> Iterator[tuple[str, InputImage]]:
        """Every input image with the path of its field, in the contract's order."""
        for number, subject in enumerate(self.subject_image_list):
            yield f"subject_image_list[{number}].subject_image", subject.subject_image
        if self.scene_image:
            yield "scene_image", self.scene_image
        if self.style_image:
            yield "style_image", self.style_image


def ignored_fields(body: Mapping[str, Any]) -> list[str]:
    """The names of the fields that have no effect, also of a body that is refused."""
    return read_variants(body, CreateRequest.model_fields)[1]


def parse_create_request(body: str | bytes | Mapping[str, Any], offered: Offer) -> CreateRequest:
    """Reads a create request from JSON or from an object; harmless variants are read as what they mean.

    Args:
        body: The request.
        offered: Images in S3 that an image field may name instead of holding a URL or Base64.

    Raises:
        MalformedRequest: It is not a JSON object.
        InvalidRequest: A field breaks a limit.
    """
    return parse_body(CreateRequest, body, offered)


def parse_body(model: type[Model], body: str | bytes | Mapping[str, Any], context: Any = None) -> Model:
    """Reads the body of a request, as JSON or as an object.

    Raises:
        MalformedRequest: It is not a JSON object.
        InvalidRequest: A field breaks a limit.
    """
    if isinstance(body, (str, bytes)):
        body = without_mark(body)
        if isinstance(body, str) and LOST in body:
            raise MalformedRequest(f"{_NOT_JSON}, got {described_body(body, '')}")
    try:
        if isinstance(body, (str, bytes)):
            return model.model_validate_json(body, context=context)
        return model.model_validate(body, context=context)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["type"] == "json_invalid" and isinstance(body, (str, bytes)):
            described = described_body(body, first["msg"].removeprefix("Invalid JSON: "))
            raise MalformedRequest(f"{_NOT_JSON}, got {described}") from error
        if first["loc"] == () and first["type"] == "model_type":
            raise MalformedRequest(f"body: must be a JSON object, got {shown(first['input'])}") from error
        raise invalid_request(error) from error


def named_images(body: Mapping[str, Any]) -> list[str]:
    """The files that a body's image fields name, each once, in the contract's order; wrong shapes are passed over."""
    read, _ = read_variants(body, CreateRequest.model_fields)
    subjects = read.get("subject_image_list")
    fields = (
        [item.get("subject_image") for item in subjects if isinstance(item, Mapping)]
        if isinstance(subjects, list)
        else []
    )
    fields += [read.get("scene_image"), read.get("style_image")]
    names = [field for field in fields if isinstance(field, str) and field and looks_like_a_name(field)]
    return list(dict.fromkeys(names))
