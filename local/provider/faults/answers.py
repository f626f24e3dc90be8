"""Odd answers: fields, statuses and bytes that differ from the contract, as a test asks for them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.responses import Response

Status = Literal["submitted", "processing", "succeed", "failed"]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]
HeaderValue = Annotated[str, Field(pattern=r"^[\x20-\x7e\xa0-\xff]*$")]


def _without_length(headers: dict[str, str | None]) -> dict[str, str | None]:
    if any(name.lower() == "content-length" and value is not None for name, value in headers.items()):
        raise ValueError("content-length can only be removed (null)")
    return headers


def _base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("must be Base64") from error
    return text


class _Change(BaseModel):
    """The fields of a change of any answer."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    times: Annotated[int, Field(ge=1)] | None = Field(default=None, description="How many answers are changed; all")
    http_status: Annotated[int, Field(ge=200, le=599)] | None = Field(default=None, description="The HTTP status")
    headers: Annotated[dict[HeaderName, HeaderValue | None], AfterValidator(_without_length)] = Field(
        default_factory=dict, description="Headers to set; null removes one"
    )
    text: str | None = Field(default=None, description="The whole body as it is sent, JSON or not")


class BodyChange(_Change):
    """A change of the answer to *create* or *query*; the steps apply in the order of the fields."""

    when: list[Status | Literal["not_found"]] = Field(
        default=["submitted", "processing", "succeed", "failed"],
        description="The statuses of the task in whose answers this applies; not_found is an answer without a task",
    )
    body: Any = Field(default=None, description="Replaces the whole body")
    merge: dict[str, Any] = Field(default_factory=dict, description="A JSON Merge Patch (RFC 7396) of the whole body")
    convert: dict[str, Literal["list", "number", "string"]] = Field(
        default_factory=dict, description="By dotted path: wraps the value in a list, or changes its type"
    )

    def applied_to(self, answer: Response) -> Response:
        """The answer with this change."""
        body = self.body if "body" in self.model_fields_set else json.loads(bytes(answer.body))
        if self.merge:
            body = merged(body, self.merge)
        for path, kind in self.convert.items():
            _convert(body, path.split("."), kind)
        content = json.dumps(body) if self.text is None else self.text
        return _answer(content.encode(), self.http_status or answer.status_code, "application/json", self.headers)


class ImageBytesChange(_Change):
    """A change of the answer to the download of an image."""

    base64: Annotated[str, AfterValidator(_base64)] | None = Field(default=None, description="The bytes to send")

    def applied_to(self, content: bytes, content_type: str) -> Response:
        """The answer instead of these bytes."""
        if self.base64 is not None:
            content = base64.b64decode(self.base64)
        elif self.text is not None:
            content = self.text.encode()
        return _answer(content, self.http_status or 200, content_type, self.headers)


class Answers(BaseModel):
    """Every change of the answers."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    status: dict[Status, str] = Field(default_factory=dict, description="The word that replaces a task_status")
    images: list[dict[str, Any] | None] = Field(
        default_factory=list,
        description="By position in task_result.images: a merge patch of the image, or null to leave it out",
    )
    create: BodyChange | None = Field(default=None, description="Changes the answer to a create that made a task")
    query: BodyChange | None = Field(default=None, description="Changes the answer to a query")
    image_bytes: ImageBytesChange | None = Field(default=None, description="Changes the answer to an image's download")

    def shown(self, task: BaseModel) -> dict[str, Any]:
        """A task as JSON, in an answer or a callback, with other status words and images."""
        data = task.model_dump(mode="json", exclude={"queue_position", "eta_seconds"})  # Kiln's own fields
        data["task_status"] = self.status.get(data["task_status"], data["task_status"])
        result = data.get("task_result", {})
        if result.get("images"):
            patched: Iterable[tuple[Any, Any]] = zip_longest(result["images"], self.images, fillvalue={})
            result["images"] = [merged(image, patch) for image, patch in patched if patch is not None]
        return data


def merged(value: Any, patch: Any) -> Any:
    """The value after a JSON Merge Patch (RFC 7396): objects are merged, null removes a field, the rest is replaced."""
    if not isinstance(patch, dict):
        return patch
    result = dict(value) if isinstance(value, dict) else {}
    for name, change in patch.items():
        if change is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), change)
    return result


def _convert(body: Any, path: list[str], kind: str) -> None:
    """Changes the type of one value in place; a path that leads nowhere, or a value that is no number, stays."""
    for name in path[:-1]:
        body = body.get(name) if isinstance(body, dict) else None
    if not isinstance(body, dict) or path[-1] not in body:
        return
    value = body[path[-1]]
    if kind == "list":
        body[path[-1]] = [value]
    elif kind == "string":
        body[path[-1]] = value if isinstance(value, str) else json.dumps(value)
    elif isinstance(value, str) and value.isascii() and value.isdecimal():
        body[path[-1]] = int(value)


def _answer(content: bytes, status: int, content_type: str, headers: Mapping[str, str | None]) -> Response:
    answer = Response(content, status, media_type=content_type)
    for name, value in headers.items():
        if value is not None:
            answer.headers[name] = value
        elif name in answer.headers:
            del answer.headers[name]
    return answer
