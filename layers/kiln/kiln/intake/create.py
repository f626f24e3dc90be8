"""The create call as the API offers it: idempotency keys, uploads and waiting for the end, around *accept*."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from typing import NamedTuple

from kiln import clock
from kiln.auth.callers import Caller
from kiln.contract.request import CreateRequest, parse_create_request
from kiln.contract.vocabulary import Priority
from kiln.errors import InvalidRequest
from kiln.intake.accept import accept, known_task
from kiln.intake.uploads import SCHEME, Uploads
from kiln.settings import CallerSettings, load
from kiln.tasks.admission import Admission
from kiln.tasks.ids import content_task_id
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task

LONGEST_WAIT_SECONDS = 25
"""``Prefer: wait=N`` is honoured up to this, as API Gateway gives up on a function after 29 s."""

_ANSWER_SECONDS = 27
"""A waiting request is answered this long after it arrived: two seconds before API Gateway gives up."""

KEY_CHARACTERS = 255
_LOOK_SECONDS = 0.5
_WAIT = re.compile(r"(?:^|[,;\s])wait=(\d+)", re.IGNORECASE)


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
        TooManyRequests: The caller's minute is used up (1302).
    """
    uploads = Uploads(caller.name)
    request = parse_create_request(body, uploads)
    if caller.priority is Priority.LOW:
        request = request.model_copy(update={"priority": Priority.LOW})
    task_id = task_id_of_key(caller.name, idempotency_key)
    digest = _digest(body, uploads) if task_id else ""
    per_minute = caller.tasks_per_minute or load(CallerSettings).tasks_per_minute
    if uploads.contents() and not (task_id and known_task(TaskStore(), task_id, digest)):
        _check_uploads(uploads, request, caller.name, per_minute)
    task = accept(
        request, caller.name, task_id=task_id, request_digest=digest, per_minute=per_minute, is_waiting=is_waiting
    )
    return Created(task, request.ignored)


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


def seconds_to_wait(prefer: str | None) -> int:
    """How long a ``Prefer`` header (RFC 7240) asks to wait for the end: 0 if it does not, 25 at the most."""
    asked = _WAIT.search(prefer or "")
    return min(int(asked[1][:6]), LONGEST_WAIT_SECONDS) if asked else 0


def seconds_left(asked: int, requested_at: int) -> float:
    """How long a request may still wait of the seconds that it asked for.

    Args:
        asked: The seconds to wait from now.
        requested_at: When the gateway received the request, in milliseconds since the epoch.
    """
    return min(asked, max(0.0, _ANSWER_SECONDS - (clock.milliseconds() - requested_at) / 1_000))


def wait_for_end(task: Task, seconds: float, *, sleep: Callable[[float], None] = time.sleep) -> Task:
    """The task as soon as it has ended, or as it is when the time is over.

    No look begins that would end too late if it took as long as the slowest one so far.
    """
    tasks = TaskStore()
    ends_at = time.monotonic() + seconds
    slowest = 0.0
    while not task.task_status.is_terminal and (left := ends_at - slowest - (looked_at := time.monotonic())) > 0:
        sleep(pause := min(_LOOK_SECONDS, left))
        task = tasks.get(task.task_id)
        slowest = max(slowest, time.monotonic() - looked_at - pause)
    return task


def task_id_of_key(caller: str, idempotency_key: str | None) -> str | None:
    """The task id that an ``Idempotency-Key`` of a caller stands for; ``None`` without one.

    Raises:
        InvalidRequest: The key is over 255 characters (1201).
    """
    key = (idempotency_key or "").strip().strip('"')
    if len(key) > KEY_CHARACTERS:
        raise InvalidRequest(f"Idempotency-Key: must be at most {KEY_CHARACTERS} characters, got {len(key)}")
    return content_task_id("idempotency", caller, key) if key else None


def _digest(body: str | bytes, uploads: Uploads) -> str:
    """Tells one body from another; the same image that is uploaded twice has two references, and one digest."""
    content = body if isinstance(body, bytes) else body.encode()
    for reference, etag in uploads.contents().items():
        # JSON may write the slashes of a reference in other ways, as PHP does, but hardly what comes behind them.
        for written in (reference, reference.removeprefix(SCHEME)):
            content = content.replace(written.encode(), etag.encode())
    return hashlib.sha256(content).hexdigest()
