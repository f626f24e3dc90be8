"""Reads the provider's answers as far as they can be read without guessing. No answer makes a reader raise."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

from kiln.contract.vocabulary import IMAGES_PER_TASK, TaskStatus

_MESSAGE_CHARACTERS = 1_000
_ID_CHARACTERS = 256
_WORD_CHARACTERS = 64
_URL_CHARACTERS = 8_192
_BALANCE_CHARACTERS = 1_024
_OTHER_CHARACTERS = 4_096
_CODE_DIGITS = 9
_LARGEST_NUMBER = 10**30

_MOST_IMAGES = IMAGES_PER_TASK[1]

_STATUSES = {
    "submitted": TaskStatus.SUBMITTED,
    "queued": TaskStatus.SUBMITTED,
    "pending": TaskStatus.SUBMITTED,
    "not_start": TaskStatus.SUBMITTED,
    "processing": TaskStatus.PROCESSING,
    "running": TaskStatus.PROCESSING,
    "in_progress": TaskStatus.PROCESSING,
    "succeed": TaskStatus.SUCCEED,
    "succeeded": TaskStatus.SUCCEED,
    "success": TaskStatus.SUCCEED,
    "completed": TaskStatus.SUCCEED,
    "failed": TaskStatus.FAILED,
    "fail": TaskStatus.FAILED,
    "failure": TaskStatus.FAILED,
    "error": TaskStatus.FAILED,
    "canceled": TaskStatus.FAILED,
    "cancelled": TaskStatus.FAILED,
    "expired": TaskStatus.FAILED,
    "timeout": TaskStatus.FAILED,
}
"""The contract's four words, and words of other services that mean the same."""

_KNOWN = frozenset(
    {
        *("task_id", "task_info", "task_status", "task_status_msg", "task_result", "created_at", "updated_at"),
        *("final_unit_deduction", "final_balance_deduction", "watermark_info"),
    }
)


@dataclass(frozen=True)
class Answer:
    """One answer of the provider: the contract's envelope.

    Attributes:
        code: The business code, or ``None`` if there is no readable one.
        message: The provider's words.
        data: The payload as it is.
    """

    code: int | None
    message: str = ""
    data: Any = None


@dataclass(frozen=True)
class ProviderImage:
    """One result image at the provider.

    Attributes:
        index: Number within the task, from 0 to 8, each once.
        url: The link as the provider gave it; empty if it gave no string. It has not been judged.
        watermark_url: The link to the same image with a watermark; empty if there is none.
    """

    index: int
    url: str = field(repr=False)
    watermark_url: str = field(default="", repr=False)


@dataclass(frozen=True)
class ProviderTask:
    """A task as the provider describes it.

    Attributes:
        task_id: The provider's id; empty if the answer has none.
        external_task_id: Our id; empty if the answer has none.
        status: ``None`` for a status that Kiln does not know.
        status_word: The status as the provider wrote it.
        task_status_msg: The provider's reason.
        final_unit_deduction: The units charged, a decimal string; empty if the answer has none.
        final_balance_deduction: A JSON object; empty if the answer has none.
        images: The result images in order, nine at most.
        other: A JSON object of the fields that Kiln does not know, as many as fit; empty if there are none.
    """

    task_id: str
    status: TaskStatus | None
    status_word: str = ""
    external_task_id: str = ""
    task_status_msg: str = ""
    final_unit_deduction: str = ""
    final_balance_deduction: str = ""
    images: list[ProviderImage] = field(default_factory=list)
    other: str = field(default="", repr=False)


def read_answer(content: bytes) -> Answer | None:
    """The envelope in the bytes of an answer; ``None`` for anything but a JSON object."""
    try:
        # NaN and the infinities are no JSON, although Python reads them.
        body = json.loads(content, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    return Answer(_code(body.get("code")), _text(body.get("message"), 500), body.get("data"))


def read_task(data: Any, *ids: str) -> ProviderTask | None:
    """The task in the ``data`` of an answer; ``None`` if there is none.

    Args:
        data: A task, or a list of one. Of a longer list, the one task that has one of the ``ids``.
        ids: The ids that were asked for.
    """
    if isinstance(data, list):
        found = [each for each in data if isinstance(each, dict)]
        if len(found) > 1:
            asked = set(ids) - {""}
            found = [each for each in found if {_id(each.get("task_id")), _external_id(each)} & asked]
        data = found[0] if len(found) == 1 else None
    if not isinstance(data, dict):
        return None
    word = _text(data.get("task_status"), _WORD_CHARACTERS)
    return ProviderTask(
        task_id=_id(data.get("task_id")),
        external_task_id=_external_id(data),
        status=_STATUSES.get("".join(word.split()).casefold()),
        status_word=word.strip(),
        task_status_msg=_text(data.get("task_status_msg"), _MESSAGE_CHARACTERS).strip(),
        final_unit_deduction=_text(data.get("final_unit_deduction"), _WORD_CHARACTERS).strip(),
        final_balance_deduction=_object(data.get("final_balance_deduction"), _BALANCE_CHARACTERS),
        images=_images(data.get("task_result")),
        other=_object({name: each for name, each in data.items() if name not in _KNOWN}, _OTHER_CHARACTERS),
    )


def is_about(task: ProviderTask, asked_id: str, external_task_id: str = "") -> bool:
    """Whether an answer can be about the task that was asked for: an id is ours, or there is none to compare.

    Args:
        task: The answer.
        asked_id: The id in the request.
        external_task_id: Our own id, if the request was by the provider's id.
    """
    if {task.task_id, task.external_task_id} & {asked_id, external_task_id} - {""}:
        return True
    if task.external_task_id:
        return False
    # An answer to a request by our own id may have the provider's id only, which is not known yet.
    return not task.task_id or external_task_id in ("", asked_id)


def _code(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        value = int(value) if math.isfinite(value) and value.is_integer() else None
    if isinstance(value, str):
        digits = value.strip()
        value = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= _CODE_DIGITS else None
    return value if isinstance(value, int) and abs(value) < 10**_CODE_DIGITS else None


def _text(value: Any, most: int) -> str:
    """A string or a number as a string that every encoding and store can hold; empty for anything else."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, int):
        return str(value) if abs(value) < _LARGEST_NUMBER else ""
    if isinstance(value, float):
        return str(value) if math.isfinite(value) else ""
    if not isinstance(value, str):
        return ""
    # Half of a surrogate pair is a string to JSON, and to nothing else.
    return value[:most].encode(errors="replace").decode()


def _id(value: Any) -> str:
    """An id; empty for what can be none. A number with a fraction or an exponent may have lost digits."""
    text = "" if isinstance(value, float) else _text(value, _ID_CHARACTERS + 1).strip()
    return text if len(text) <= _ID_CHARACTERS and text.isprintable() else ""


def _external_id(data: dict[str, Any]) -> str:
    info = data.get("task_info")
    if isinstance(info, list) and len(info) == 1:
        info = info[0]
    return _id(info.get("external_task_id")) if isinstance(info, dict) else ""


def _object(value: Any, most: int) -> str:
    """A JSON object as a string, with as many of its fields as fit; empty for anything else."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        return ""
    fields: list[str] = []
    left = most
    for name, each in value.items():
        try:
            text = f"{json.dumps(str(name))}: {json.dumps(each, allow_nan=False)}"
        except (ValueError, TypeError, RecursionError):
            continue
        if len(text) + 2 <= left:
            fields.append(text)
            left -= len(text) + 2
    return f"{{{', '.join(fields)}}}" if fields else ""


def _images(result: Any) -> list[ProviderImage]:
    """The images, numbered by ``index`` if that can be: each a number from 0 to 8, none twice. Else by their place."""
    found = [(place, image) for place, image in enumerate(_listed(result)) if isinstance(image, (dict, str))]
    found = found[:_MOST_IMAGES]
    given = [image.get("index") if isinstance(image, dict) else None for _, image in found]
    numbers = [number for number in given if type(number) is int and 0 <= number < _MOST_IMAGES]
    if len(set(numbers)) < len(found):
        # A place past the ninth has room at the front: what stood there is no image.
        numbers = [place for place, _ in found] if found and found[-1][0] < _MOST_IMAGES else list(range(len(found)))
    images = [
        ProviderImage(number, _url(image.get("url")), _url(image.get("watermark_url")))
        if isinstance(image, dict)
        else ProviderImage(number, _url(image))
        for number, (_, image) in zip(numbers, found, strict=True)
    ]
    return sorted(images, key=lambda image: image.index)


def _listed(result: Any) -> list[Any]:
    """The list of images in a ``task_result``, which may be the list itself, or a list of one result."""
    if isinstance(result, list) and len(result) == 1 and isinstance(result[0], dict) and "images" in result[0]:
        result = result[0]
    images = result.get("images") if isinstance(result, dict) else result
    if isinstance(images, dict) and "url" in images:
        return [images]
    return images if isinstance(images, list) else []


def _url(value: Any) -> str:
    text = _text(value, _URL_CHARACTERS + 1) if isinstance(value, str) else ""
    return text.strip() if len(text) <= _URL_CHARACTERS else ""
