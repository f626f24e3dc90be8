"""The step ``Collect``: copies a finished task's images to the outbox bucket and ends the task."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from kiln import clock, links, metrics
from kiln.contract.vocabulary import TaskStatus
from kiln.errors import TaskNotFound
from kiln.images.checked_stream import CopyFailed, Hope
from kiln.images.copying import CONCURRENT_COPIES, COPY_SECONDS, copy_image
from kiln.images.previews import with_preview
from kiln.images.stored import StoredImage
from kiln.provider import Provider, ProviderError, ProviderImage, ProviderTask
from kiln.provider.accounts import provider_for
from kiln.settings import BucketSettings, DeadlineSettings, load
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task
from kiln.workflow.outcomes import Outcome, StepResult, ended

_SHORTEST_WAIT_SECONDS = 2
_LONGEST_WAIT_SECONDS = 300

_LOOKS_SECONDS = 20
"""So long Kiln looks again for images that a successful answer does not name, or names without a usable link."""

_PREVIEWS_WITHIN_SECONDS = 600
"""Of collecting. After that no previews are made."""

_PREVIEW_BEGINS_SECONDS = 150
"""Of one run. The last preview then ends well before the function's limit of 300 s."""

_LASTING_SHARE = 24
"""A failure that probably lasts is retried for this part of the collect deadline: an hour of a day."""


@dataclass(frozen=True)
class _Lack:
    """The images that one look did not bring.

    Attributes:
        reason: The first failure, in words.
        patience: How many seconds after the first look it is worth looking again.
    """

    reason: str
    patience: float


def collect(task_id: str, *, tasks: TaskStore | None = None, provider: Provider | None = None) -> StepResult:
    """Copies the images, several at a time, and records them; the task succeeds with its last image in place.

    Every look asks the provider for fresh links. The generation has been paid for: an image that does not arrive is
    tried again for as long as there is hope, and one that has arrived is not fetched twice. Then the task succeeds with
    the images that are there, and fails if there are none.
    """
    tasks = tasks or TaskStore()
    try:
        task = tasks.begin_collect(task_id)
    except TaskNotFound:
        return StepResult(outcome=Outcome.GONE)
    if task.task_status.is_terminal:
        return ended(task)
    begun_at = time.monotonic()
    answer: ProviderTask | None = None
    images = {image.index: image for image in task.collected}
    try:
        answer = (provider or provider_for(task.at)).query(task.provider_task_id or task.run_id, task.run_id)
        if answer.status is not TaskStatus.SUCCEED:
            raise CopyFailed(f"it is {answer.status_word} again")
        lack = _copy(task, answer.images, images)
    except (ProviderError, CopyFailed) as error:
        lack = _Lack(str(error), _patience(Hope.MUCH))
    stored = [images[index] for index in sorted(images)]
    if lack and _seconds_collecting(task) <= lack.patience:
        return _again(task, stored, lack.reason, tasks)
    if not stored and lack:
        return _failed(task, lack, tasks)
    stored, without = _with_previews(task, stored, begun_at)
    message = f"{len(stored)} of {task.n} images; {lack.reason}" if lack else ""
    added = _added(answer) if answer else {}
    units = answer.final_unit_deduction if answer else ""
    done = tasks.succeed(task, stored, units, message, **added) or tasks.get(task_id)
    return ended(done, "; ".join(filter(None, (done.task_status_msg, without))))


def _copy(task: Task, listed: list[ProviderImage], images: dict[int, StoredImage]) -> _Lack | None:
    """Copies what is not in ``images`` yet, adds it there, and returns what is still missing."""
    ends_at = time.monotonic() + COPY_SECONDS
    total = max(task.n, len(listed))

    def copy(image: ProviderImage) -> CopyFailed | None:
        place = f"image {image.index} of {total}"
        try:
            if image.index not in images:
                images[image.index] = _copy_one(task, image, ends_at)
            place = f"image {image.index} of {total} with watermark"
            if task.watermark and image.watermark_url and images[image.index].watermarked is None:
                images[image.index] = _copy_watermarked(task, image, images[image.index], ends_at)
        except CopyFailed as error:
            return CopyFailed(f"{place}: {error}", error.hope)
        return None

    with ThreadPoolExecutor(CONCURRENT_COPIES) as pool:
        failures = [failure for failure in pool.map(copy, listed) if failure]
    return _lack(task, len(images), failures)


def _lack(task: Task, stored: int, failures: list[CopyFailed]) -> _Lack | None:
    if failures:
        hope = max(failure.hope for failure in failures)
        # An image that arrived does not wait for its watermarked twin for a day.
        return _Lack(str(failures[0]), _patience(min(hope, Hope.LITTLE) if stored >= task.n else hope))
    if stored < task.n:
        named = f"only {stored} of {task.n} images" if stored else "no images"
        return _Lack(f"the provider names {named}", _patience(Hope.NONE))
    return None


def _patience(hope: Hope) -> float:
    longest = float(load(DeadlineSettings).collect_seconds)
    seconds = {Hope.NONE: _LOOKS_SECONDS, Hope.LITTLE: max(longest / _LASTING_SHARE, _LOOKS_SECONDS)}
    return min(seconds.get(hope, longest), longest)


def _copy_one(task: Task, image: ProviderImage, ends_at: float) -> StoredImage:
    bucket = load(BucketSettings).outbox_bucket
    file = copy_image(str(image.index), image.url, bucket=bucket, prefix=task.result_prefix, ends_at=ends_at)
    return StoredImage(index=image.index, **file.model_dump())


def _copy_watermarked(task: Task, image: ProviderImage, stored: StoredImage, ends_at: float) -> StoredImage:
    name, bucket = links.watermark_name(image.index), load(BucketSettings).outbox_bucket
    file = copy_image(name, image.watermark_url, bucket=bucket, prefix=task.result_prefix, ends_at=ends_at)
    return stored.model_copy(update={"watermarked": file})


def _with_previews(task: Task, stored: list[StoredImage], begun_at: float) -> tuple[list[StoredImage], str]:
    """Adds previews. Returns the images, and why the first image without a preview has none.

    A crash here would be retried, so previews are left out once collecting has taken long: the images matter more.
    """
    if _seconds_collecting(task) > _PREVIEWS_WITHIN_SECONDS:
        return stored, "too late for previews"
    bucket = load(BucketSettings).outbox_bucket
    found, reasons = [], []
    for image in stored:
        made, reason = image, "too late for a preview"
        if time.monotonic() - begun_at < _PREVIEW_BEGINS_SECONDS:
            # Not beside the images of a drop: a person who looks into that folder wants the images alone.
            made, reason = with_preview(image, bucket=bucket, prefix=f"tasks/{task.task_id}")
        if reason:
            reasons.append(f"no preview of image {image.index}: {reason}")
        found.append(made)
    return found, reasons[0] if reasons else ""


def _again(task: Task, stored: list[StoredImage], reason: str, tasks: TaskStore) -> StepResult:
    if stored:
        tasks.keep_collected(task, stored)
    if reason != task.refusal:
        tasks.refused(task, reason)
    return StepResult(outcome=Outcome.AGAIN, wait=_wait(task), reason=reason)


def _failed(task: Task, lack: _Lack, tasks: TaskStore) -> StepResult:
    limit = load(DeadlineSettings).collect_seconds
    if lack.patience < limit:
        message, failure = f"paid, no image: {lack.reason}", metrics.Failure.NO_IMAGE
    else:
        message = f"The generated images could not be copied within {limit} s; {lack.reason}"
        failure = metrics.Failure.COLLECT_DEADLINE
    failed = tasks.fail(task, message, failure)
    if failed and failure is metrics.Failure.NO_IMAGE:
        metrics.record(metrics.IMAGES_MISSING, task.n)
    return ended(failed or tasks.get(task.task_id))


def _added(answer: ProviderTask) -> dict[str, str]:
    """The provider's additions to the contract, as attributes of the task."""
    added = {"final_balance_deduction": answer.final_balance_deduction, "provider_fields": answer.other}
    return {name: each for name, each in added.items() if each}


def _seconds_collecting(task: Task) -> float:
    return (clock.milliseconds() - task.collecting_at) / 1_000


def _wait(task: Task) -> int:
    """A tenth of the time tried so far: soon at first, then seldom, so that a day of trying is a few hundred tries."""
    return int(min(max(_seconds_collecting(task) // 10, _SHORTEST_WAIT_SECONDS), _LONGEST_WAIT_SECONDS))
