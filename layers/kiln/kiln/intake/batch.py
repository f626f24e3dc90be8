"""Creates many tasks with one request: every job is checked first, all are admitted together, then each is accepted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from kiln import clock
from kiln.auth.callers import Caller, minute_limit
from kiln.contract.batch import RefusedJob
from kiln.contract.batch_request import BatchRequest
from kiln.contract.request import CreateRequest, parse_body, parse_create_request
from kiln.contract.vocabulary import Priority
from kiln.errors import (
    BatchNotFound,
    CancelRefused,
    DuplicateExternalBatchId,
    DuplicateExternalTaskId,
    IdempotencyKeyReused,
    InvalidRequest,
    KilnError,
    TaskNotFound,
)
from kiln.intake.accept import accept, check, check_callback
from kiln.intake.budget import check_budget
from kiln.intake.cancel import cancel
from kiln.intake.create import digest_of, for_caller, task_id_of_key
from kiln.intake.uploads import Uploads
from kiln.settings import TableSettings, load
from kiln.tasks.admission import Admission, Ticket
from kiln.tasks.batches import Batch, Batches, external_batch, job_task_id
from kiln.tasks.ids import new_task_id
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Origin

MOST_UPLOADED_MB = 300
"""Uploads are read before they are accepted, and a request has 29 s: a batch may name so much of them."""

_AT_ONCE = 8
"""Jobs are checked and accepted side by side; most of their time is waiting for AWS."""

Given = TypeVar("Given")
Made = TypeVar("Made")


class CreatedBatch(NamedTuple):
    """The outcome of a request for a batch.

    Attributes:
        batch: The batch, new or of a repeated request.
        ignored: The fields of the body that have no effect.
    """

    batch: Batch
    ignored: list[str]


class _Job(NamedTuple):
    """A job that breaks no limit.

    Attributes:
        number: From 1.
        request: Its create request.
    """

    number: int
    request: CreateRequest


def create_batch(body: str | bytes, caller: Caller, *, idempotency_key: str | None = None) -> CreatedBatch:
    """Creates a task for each job of a body. The same request again completes what the first one left undone.

    Args:
        body: JSON text.
        caller: Who is calling.
        idempotency_key: The header of that name: the same key and body is the same batch. An ``external_batch_id`` in
            the body has the same effect.

    Raises:
        MalformedRequest: The body is not a JSON object (1200).
        InvalidRequest: A field breaks a limit, every job is refused, or one of all or nothing (1201).
        DuplicateExternalBatchId: The external id was used before, with another body (1201).
        IdempotencyKeyReused: The key was used before with another body (422).
        BudgetUsedUp: The caller's units of this month are used up (1102).
        TooManyRequests: The caller's minute has no room for every job; no task was created (1302).
    """
    asked = parse_body(BatchRequest, body)
    check_callback(asked.callback_url)
    per_minute = minute_limit(caller)
    if len(asked.jobs) > per_minute:
        raise InvalidRequest(f"jobs: must be at most {per_minute}, the tasks of a minute, got {len(asked.jobs)}")
    uploads = Uploads(caller.name)

    def read(numbered: tuple[int, dict[str, object]]) -> _Job | RefusedJob:
        number, fields = numbered
        return _unless_refused(number, lambda: _Job(number, for_caller(parse_create_request(fields, uploads), caller)))

    jobs = _side_by_side(read, enumerate(asked.bodies(), start=1))
    external_id = asked.external_batch_id or ""
    key_id = task_id_of_key(caller.name, idempotency_key)
    batch = Batch(
        batch_id=external_batch(caller.name, external_id) if external_id else key_id or new_task_id(),
        caller=caller.name,
        external_batch_id=external_id,
        callback_url=asked.callback_url or "",
        request_digest=digest_of(body, uploads),
        created_at=clock.milliseconds(),
        jobs=len(jobs),
    )
    of_jobs = [f"job {job.number}: {name}" for job in _accepted(jobs) for name in job.request.ignored]
    known = _known(batch)
    if known is None:
        check_budget(caller.name, caller.units_per_month)
        jobs = _checked(batch, jobs, uploads, per_minute)
        left = _accepted(jobs)
        refused = [job for job in jobs if isinstance(job, RefusedJob)]
        _refuse_whole(batch, refused, left, uploads, per_minute, all_or_nothing=asked.all_or_nothing)
        tickets = _admit(batch, left, per_minute, refused=len(refused))
        days = load(TableSettings).task_retention_days
        stored = Batches().add(batch.model_copy(update={"refused": refused}), retention_days=days)
        known = _same_request(stored, batch)
    else:
        # The first request may have stopped in the middle.
        known = Batches().resumed(known.batch_id)
        made = {task.task_id for task in TaskStore().get_all(list(known.tasks.values()))}
        left = [job for job in _accepted(jobs) if known.tasks.get(job.number, "") not in {"", *made}]
        tickets = _admit(batch, left, per_minute) if left else []
    return CreatedBatch(_accept_all(known, left, tickets, caller.units_per_month), [*asked.ignored, *of_jobs])


def cancel_batch(caller: str, either_id: str) -> Batch:
    """Cancels the tasks of a batch that still wait; the others run on.

    Raises:
        BatchNotFound: This caller has no such batch (1203).
    """
    batch = Batches().find(caller, either_id)

    def cancel_one(task_id: str) -> None:
        with contextlib.suppress(CancelRefused, TaskNotFound):
            cancel(caller, task_id)

    _side_by_side(cancel_one, batch.tasks.values())
    return batch


def _known(batch: Batch) -> Batch | None:
    """The batch that was made of this request before, if there is one."""
    try:
        return _same_request(Batches().get(batch.batch_id), batch)
    except BatchNotFound:
        return None


def _same_request(stored: Batch, batch: Batch) -> Batch:
    if stored.request_digest == batch.request_digest:
        return stored
    if batch.external_batch_id:
        raise DuplicateExternalBatchId(batch.external_batch_id)
    raise IdempotencyKeyReused


def _checked(
    batch: Batch, jobs: Sequence[_Job | RefusedJob], uploads: Uploads, per_minute: int
) -> list[_Job | RefusedJob]:
    """The jobs after the checks that read what they name."""
    if uploads.contents():
        if uploads.size > MOST_UPLOADED_MB * 1024 * 1024:
            got = uploads.size / 1024 / 1024
            raise InvalidRequest(f"jobs: must name uploads of at most {MOST_UPLOADED_MB} MB together, got {got:.0f} MB")
        Admission().check(batch.caller, per_minute=per_minute)
    external_ids: set[str] = set()
    repeated: set[int] = set()
    for job in _accepted(jobs):
        if job.request.external_task_id in external_ids:
            repeated.add(job.number)
        external_ids.add(job.request.external_task_id or f"#{job.number}")

    def check_one(job: _Job | RefusedJob) -> _Job | RefusedJob:
        if isinstance(job, RefusedJob):
            return job

        def checked() -> _Job:
            if job.number in repeated:
                raise DuplicateExternalTaskId(job.request.external_task_id or "")
            check(job.request, batch.caller, job_task_id(batch.batch_id, job.number))
            uploads.check(job.request)
            return job

        return _unless_refused(job.number, checked)

    return _side_by_side(check_one, jobs)


def _refuse_whole(
    batch: Batch,
    refused: Sequence[RefusedJob],
    left: Sequence[_Job],
    uploads: Uploads,
    per_minute: int,
    *,
    all_or_nothing: bool,
) -> None:
    """Refuses the batch if no job is left, or if one is refused of all or nothing."""
    if not refused or (left and not all_or_nothing):
        return
    if uploads.contents():
        _admit(batch, [], per_minute, refused=batch.jobs)
    others = f"; {len(refused) - 1} more of {batch.jobs} jobs are refused" if len(refused) > 1 else ""
    raise InvalidRequest(f"job {refused[0].job}: {refused[0].message}{others}")


def _admit(batch: Batch, jobs: Sequence[_Job], per_minute: int, *, refused: int = 0) -> list[Ticket]:
    sizes = [(job.request.n, job.request.priority is Priority.LOW) for job in jobs]
    return Admission().admit_all(batch.caller, sizes, per_minute=per_minute, refused=refused)


def _accept_all(batch: Batch, jobs: Sequence[_Job], tickets: Sequence[Ticket], units_per_month: int) -> Batch:
    """Accepts the jobs. One that is refused only now, as its id is used at this moment, ends as refused."""

    def accept_one(admitted: tuple[_Job, Ticket]) -> RefusedJob | str:
        job, ticket = admitted
        return _unless_refused(
            job.number,
            lambda: (
                accept(
                    job.request,
                    batch.caller,
                    origin=Origin(batch=batch.batch_id, part=job.number, parts=batch.jobs),
                    task_id=job_task_id(batch.batch_id, job.number),
                    request_digest=batch.request_digest,
                    units_per_month=units_per_month,
                    ticket=ticket,
                ).task_id
            ),
        )

    late = [each for each in _side_by_side(accept_one, zip(jobs, tickets, strict=True)) if isinstance(each, RefusedJob)]
    for refused in late:
        Batches().end_job(batch.batch_id, refused.job, refused)
    if jobs:
        Batches().completed(batch.batch_id)
    return Batches().get(batch.batch_id) if late else batch


def _accepted(jobs: Iterable[_Job | RefusedJob]) -> list[_Job]:
    return [job for job in jobs if isinstance(job, _Job)]


def _unless_refused(number: int, step: Callable[[], Made]) -> Made | RefusedJob:
    try:
        return step()
    except KilnError as refusal:
        if refusal.http_status >= 500:
            raise
        return RefusedJob(job=number, code=refusal.code, message=refusal.message)


def _side_by_side(step: Callable[[Given], Made], given: Iterable[Given]) -> list[Made]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(step, given))
