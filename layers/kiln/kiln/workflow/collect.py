"""The step ``Collect``: copies a finished task's images to the outbox bucket and ends the task."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from kiln import clock, metrics
from kiln.contract.vocabulary import TaskStatus
from kiln.errors import TaskNotFound
from kiln.images.copying import CONCURRENT_COPIES, COPY_SECONDS, CopyFailed, copy_image
from kiln.images.stored import StoredImage
from kiln.provider import Provider, ProviderError, ProviderImage
from kiln.provider.client import shared_provider
from kiln.settings import BucketSettings, DeadlineSettings, load
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task
from kiln.workflow.outcomes import Outcome, StepResult, ended

_SHORTEST_WAIT_SECONDS = 2
_LONGEST_WAIT_SECONDS = 300


def collect(task_id: str, *, tasks: TaskStore | None = None, provider: Provider | None = None) -> StepResult:
    """Copies the images, several at a time, and records them; the task succeeds with its last image in place.

    The provider is asked for the images anew, so the links are fresh however often the step is repeated. The generation
    has been paid for: until the deadline, an image that cannot be had is tried again, and those that have come are not
    fetched twice.
    """
    tasks = tasks or TaskStore()
    try:
        task = tasks.begin_collect(task_id)
    except TaskNotFound:
        return StepResult(outcome=Outcome.GONE)
    if task.task_status.is_terminal:
        return ended(task)
    try:
        answer = (provider or shared_provider()).query(task.provider_task_id or task.run_id)
        if answer.task_status is not TaskStatus.SUCCEED:
            raise CopyFailed(f"it is {answer.task_status} again")
        if not answer.images:
            raise CopyFailed("the provider names no images")
        copied, failure = _copy(task, answer.images)
        if failure:
            tasks.keep_collected(task, copied)
            raise failure
    except (ProviderError, CopyFailed) as error:
        return _incomplete(task, str(error), tasks)
    return ended(tasks.succeed(task, copied, answer.final_unit_deduction) or tasks.get(task_id))


def _copy(task: Task, images: list[ProviderImage]) -> tuple[list[StoredImage], CopyFailed | None]:
    """Every image that is here now, in their order, and what kept the first of the others away."""
    bucket = load(BucketSettings).outbox_bucket
    ends_at = time.monotonic() + COPY_SECONDS
    here = {image.index: image for image in task.collected}

    def copy(image: ProviderImage) -> StoredImage | CopyFailed:
        if image.index in here:
            return here[image.index]
        try:
            return copy_image(image.index, image.url, bucket=bucket, prefix=task.result_prefix, ends_at=ends_at)
        except CopyFailed as error:
            return CopyFailed(f"image {image.index} of {len(images)}: {error}")

    with ThreadPoolExecutor(CONCURRENT_COPIES) as pool:
        outcomes = list(pool.map(copy, images))
    copied = [outcome for outcome in outcomes if isinstance(outcome, StoredImage)]
    return copied, next((outcome for outcome in outcomes if isinstance(outcome, CopyFailed)), None)


def _incomplete(task: Task, reason: str, tasks: TaskStore) -> StepResult:
    limit = load(DeadlineSettings).collect_seconds
    if clock.milliseconds() - task.collecting_at > limit * 1_000:
        message = f"The generated images could not be copied within {limit} s; {reason}"
        return ended(tasks.fail(task, message, metrics.Failure.COLLECT_DEADLINE) or tasks.get(task.task_id))
    return StepResult(outcome=Outcome.AGAIN, wait=_wait(task), reason=reason)


def _wait(task: Task) -> int:
    """A tenth of the time tried so far: soon at first, then seldom, so that a day of trying is a few hundred tries."""
    age = (clock.milliseconds() - task.collecting_at) // 1_000
    return int(min(max(age // 10, _SHORTEST_WAIT_SECONDS), _LONGEST_WAIT_SECONDS))
