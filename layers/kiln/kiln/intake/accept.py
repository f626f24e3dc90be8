"""Accepts a checked request: keeps its images and stores the task; the table's stream then starts its workflow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from kiln import aws, clock
from kiln.addresses import ForbiddenAddress, check_url
from kiln.contract.request import CreateRequest
from kiln.contract.violations import shown_address
from kiln.contract.vocabulary import Priority
from kiln.errors import IdempotencyKeyReused, InvalidRequest, TaskNotFound
from kiln.images.formats import EXTENSIONS
from kiln.images.inputs import InputImage, S3Image
from kiln.images.storage import store, store_copy
from kiln.images.stored import StoredInput
from kiln.intake.budget import check_budget
from kiln.settings import InputSettings, TableSettings, WebhookSettings, load
from kiln.tasks.admission import Admission, Ticket
from kiln.tasks.executions import run_id
from kiln.tasks.ids import new_task_id
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Origin, Task

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

UNLIMITED = 1_000_000
"""For callers without a limit, such as the inbox."""

_MOST_IMAGES = 6
_CHANGED = frozenset({"PreconditionFailed", "NoSuchKey", "404"})


def accept(  # noqa: PLR0913 - each channel has its own arguments
    request: CreateRequest,
    caller: str,
    *,
    origin: Origin | None = None,
    task_id: str | None = None,
    request_digest: str = "",
    per_minute: int = UNLIMITED,
    units_per_month: int = 0,
    is_waiting: bool = False,
    ticket: Ticket | None = None,
    ignored: Sequence[str] = (),
) -> Task:
    """Makes a task of a request. Repeating it with the same ``task_id`` does nothing twice.

    Args:
        request: Checked against the contract.
        caller: Whose task it will be.
        origin: Where it came from; the API if not given.
        task_id: The task's id, when the request has one by its content or by its ``Idempotency-Key``.
        request_digest: Of the body that a repeated ``task_id`` must come with.
        per_minute: How many tasks the caller may create a minute.
        units_per_month: The caller's budget; 0 for none.
        is_waiting: The caller waits for the task's end, which holds a function: repeating it counts like a new one.
        ticket: What the task was admitted with, if it was admitted with others.
        ignored: What else of the request has no effect, besides its ignored fields: files and metadata of a drop.

    Raises:
        InvalidRequest: The ``callback_url`` leads where no webhook may be sent, or an image changes meanwhile (1201).
        DuplicateExternalTaskId: The caller has used the external id before (1201).
        IdempotencyKeyReused: The ``task_id`` is another body's (422).
        BudgetUsedUp: The caller's units of this month are used up (1102).
        TooManyRequests: The caller's minute is used up (1302).
    """
    tasks = TaskStore()
    if task_id is not None:
        known = known_task(tasks, task_id, request_digest)
        if known is not None:
            if is_waiting and not known.task_status.is_terminal:
                Admission().count(caller, per_minute=per_minute)
            return known
    task_id = task_id or new_task_id()
    check(request, caller, task_id)
    now = clock.milliseconds()
    task = Task(
        task_id=task_id,
        run_id=run_id(task_id, now),
        caller=caller,
        sequence=0,
        external_task_id=request.external_task_id or "",
        created_at=now,
        updated_at=now,
        model_name=request.model_name,
        prompt=request.prompt or "",
        n=request.n,
        aspect_ratio=request.aspect_ratio,
        watermark=request.watermark_info.enabled,
        callback_url=request.callback_url or "",
        callback_statuses=list(request.callback_statuses or []),
        origin=origin or Origin(),
        request_digest=request_digest,
        priority=Priority.LOW.value if request.priority is Priority.LOW else "",
        ignored=[*request.ignored, *ignored],
    )
    prefix = f"{task_id}/{request_digest[:16]}".rstrip("/")
    return admit(
        task,
        lambda: _keep_inputs(prefix, list(request.images())),
        per_minute=per_minute,
        units_per_month=units_per_month,
        ticket=ticket,
    )


def check(request: CreateRequest, caller: str, task_id: str) -> None:
    """Refuses a checked request that would become no task, before anything is spent on it.

    Raises:
        InvalidRequest: The ``callback_url`` leads where no webhook may be sent (1201).
        DuplicateExternalTaskId: The caller has used the external id before (1201).
    """
    check_callback(request.callback_url)
    TaskStore().check_external_id(task_id, caller, request.external_task_id or "")


def admit(
    task: Task,
    keep_inputs: Callable[[], list[StoredInput]],
    *,
    per_minute: int,
    units_per_month: int = 0,
    ticket: Ticket | None = None,
) -> Task:
    """Gives a task its place in its caller's list and in the queue, stores its images, then the task.

    Args:
        task: All but its place and its images.
        keep_inputs: Puts its images where the task keeps them; nothing is kept for a task that is not admitted.
        per_minute: How many tasks the caller may create a minute.
        units_per_month: The caller's budget; 0 for none.
        ticket: What it was admitted with already, if it was.

    Raises:
        IdempotencyKeyReused: Its id is another request's (422).
        BudgetUsedUp: The caller's units of this month are used up (1102).
        TooManyRequests: The caller's minute is used up (1302).
    """
    if ticket is None:
        check_budget(task.caller, units_per_month)
        ticket = Admission().admit(task.caller, task.n, per_minute=per_minute, is_low=task.is_low)
    placed = {
        "sequence": ticket.sequence,
        "turn": ticket.turn,
        "inputs": keep_inputs(),
        "units_per_month": units_per_month,
    }
    stored = TaskStore().add(task.model_copy(update=placed), retention_days=load(TableSettings).task_retention_days)
    return _same_request(stored, task.request_digest)


def check_callback(url: str | None) -> None:
    """Refuses a ``callback_url`` that leads where no webhook may be sent.

    Raises:
        InvalidRequest: It does (1201).
    """
    if url is None:
        return
    try:
        check_url(url, load(WebhookSettings))
    except ForbiddenAddress as forbidden:
        raise InvalidRequest(f"callback_url: {forbidden}, got {shown_address(url)}") from forbidden


def known_task(tasks: TaskStore, task_id: str, request_digest: str) -> Task | None:
    """The task that was made of this request before, if there is one.

    Raises:
        IdempotencyKeyReused: There is one of another request (422).
    """
    try:
        return _same_request(tasks.get(task_id), request_digest)
    except TaskNotFound:
        return None


def _same_request(task: Task, request_digest: str) -> Task:
    if task.request_digest != request_digest:
        raise IdempotencyKeyReused
    return task


def _keep_inputs(prefix: str, images: list[tuple[str, InputImage]]) -> list[StoredInput]:
    if all(_can_stay(image) for _, image in images):
        return [_keep(prefix, field, image) for field, image in images]
    with ThreadPoolExecutor(_MOST_IMAGES) as pool:
        return list(pool.map(lambda named: _keep(prefix, *named), images))


def _can_stay(image: InputImage) -> bool:
    """Whether an image is left where it is: behind its URL, or the one version of a dropped file."""
    return image.url is not None or (image.stored is not None and image.stored.version_id is not None)


def _keep(prefix: str, field: str, image: InputImage) -> StoredInput:
    stored = image.stored
    if stored is not None and stored.version_id is not None:
        return StoredInput(field=field, bucket=stored.bucket, key=stored.key, version_id=stored.version_id)
    if image.url is not None:
        return StoredInput(field=field, url=image.url)
    bucket = load(InputSettings).inputs_bucket
    key = f"{prefix}/{input_name(field)}"
    if stored is not None:
        _copy(stored, bucket, key, field)
        return StoredInput(field=field, bucket=bucket, key=key)
    if image.content is None or image.facts is None:
        raise ValueError(f"{field} holds no image")
    key += f".{EXTENSIONS[image.facts.content_type]}"
    store(bucket, key, image.content, image.facts.content_type)
    return StoredInput(field=field, bucket=bucket, key=key)


def _copy(stored: S3Image, bucket: str, key: str, field: str) -> None:
    """Copies what may be replaced, or be gone before the task's turn; it has to be what was checked."""
    source: CopySourceTypeDef = {"Bucket": stored.bucket, "Key": stored.key}
    try:
        store_copy(bucket, key, source, CopySourceIfMatch=stored.etag)
    except Exception as error:
        if aws.error_code(error) in _CHANGED:
            raise InvalidRequest(f"{field}: must not change while it is read, got another or none") from error
        raise


def input_name(field: str) -> str:
    """The name of an input image in the bucket: ``subject-0``, ``scene`` or ``style``."""
    name = field.replace("subject_image_list", "subject").replace("].subject_image", "").replace("[", "-")
    return name.removesuffix("_image")
