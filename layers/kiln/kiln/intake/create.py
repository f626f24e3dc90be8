"""The create call as the API offers it: idempotency keys and uploads, around *accept*."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from kiln.auth.callers import Caller, minute_limit
from kiln.contract.request import CreateRequest, parse_create_request
from kiln.contract.vocabulary import Priority
from kiln.errors import InvalidRequest
from kiln.intake.accept import accept, known_task
from kiln.intake.uploads import SCHEME, Uploads
from kiln.tasks.admission import Admission
from kiln.tasks.ids import content_task_id
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task

KEY_CHARACTERS = 255


class Created(NamedTuple):
    """The outcome of a create call.

    Attributes:
        task: The task, new or of a repeated key.
        ignored: The fields of the body that have no effect.
    """

    task: Task
    ignored: list[str]


def create(
    body: str | bytes, caller: Caller, *, idempotency_key: str | None = None, is_waiting: bool = False
) -> Created:
    """Creates a task from a request's body.

    Args:
        body: JSON text.
        caller: Who is calling.
        idempotency_key: The header of that name (IETF draft): the same key and body is the same task for as long as
            the task is kept. An upload counts by its content.
        is_waiting: The caller waits for the end; a repeated key then counts against its minute like a new task.

    Raises:
        MalformedRequest: The body is not a JSON object (1200).
        InvalidRequest: A field breaks a limit (1201).
        DuplicateExternalTaskId: The external id was used before (1201).
        IdempotencyKeyReused: The key came before with another body (422).
        BudgetUsedUp: The caller's units of this month are used up (1102).
        TooManyRequests: The caller's minute is used up (1302).
    """
    uploads = Uploads(caller.name)
    request = for_caller(parse_create_request(body, uploads), caller)
    task_id = task_id_of_key(caller.name, idempotency_key)
    digest = digest_of(body, uploads) if task_id else ""
    per_minute = minute_limit(caller)
    if uploads.contents() and not (task_id and known_task(TaskStore(), task_id, digest)):
        _check_uploads(uploads, request, caller.name, per_minute)
    task = accept(
        request,
        caller.name,
        task_id=task_id,
        request_digest=digest,
        per_minute=per_minute,
        units_per_month=caller.units_per_month,
        is_waiting=is_waiting,
    )
    return Created(task, request.ignored)


def for_caller(request: CreateRequest, caller: Caller) -> CreateRequest:
    """A request with what its caller's entry says of every request."""
    own: dict[str, Any] = {}
    if caller.priority is Priority.LOW:
        own["priority"] = Priority.LOW
    if caller.callback_statuses and not request.callback_statuses:
        own["callback_statuses"] = caller.callback_statuses
    return request.model_copy(update=own) if own else request


def _check_uploads(uploads: Uploads, request: CreateRequest, caller: str, per_minute: int) -> None:
    """Reads up to 60 MB of uploads; a refusal counts against the caller's minute, as a task would.

    Raises:
        InvalidRequest: An upload breaks the contract (1201).
        TooManyRequests: The caller's minute is used up already; nothing was read (1302).
    """
    admission = Admission()
    admission.check(caller, per_minute=per_minute)
    try:
        uploads.check(request)
    except InvalidRequest:
        admission.count(caller, per_minute=per_minute)
        raise


def task_id_of_key(caller: str, idempotency_key: str | None) -> str | None:
    """The task id that an ``Idempotency-Key`` of a caller stands for; ``None`` without one.

    Raises:
        InvalidRequest: The key is over 255 characters (1201).
    """
    key = (idempotency_key or "").strip().strip('"')
    if len(key) > KEY_CHARACTERS:
        raise InvalidRequest(f"Idempotency-Key: must be at most {KEY_CHARACTERS} characters, got {len(key)}")
    return content_task_id("idempotency", caller, key) if key else None


def digest_of(body: str | bytes, uploads: Uploads) -> str:
    """Tells one body from another; the same image that is uploaded twice has two references, and one digest."""
    content = body if isinstance(body, bytes) else body.encode()
    for reference, etag in uploads.contents().items():
        # JSON may write the slashes of a reference in other ways, as PHP does, but hardly what comes behind them.
        for written in (reference, reference.removeprefix(SCHEME)):
            content = content.replace(written.encode(), etag.encode())
    return hashlib.sha256(content).hexdigest()
