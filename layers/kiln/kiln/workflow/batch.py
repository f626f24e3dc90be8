"""Follows the tasks of batches to their end, by the table's stream: the write that ends a task reports it.

A batch whose request stopped before every job was accepted gets its end from the reconciler.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from kiln import clock, events
from kiln.contract.batch import FinishedBatch, RefusedJob
from kiln.errors import BatchNotFound, KilnError
from kiln.tasks import items
from kiln.tasks.batch_views import finished_batch_view
from kiln.tasks.batches import Batch, Batches, batch_of
from kiln.tasks.store import TaskStore

FINISHED = "Image Batch Finished"

PATIENCE_SECONDS = 600
"""How long an incomplete batch waits for its request to be sent again."""

_MOST_ENDED = 10
"""How many incomplete batches a run of the reconciler ends."""

_STOPPED = "the request stopped before this job was accepted; send the job again, in another batch or alone"


class BatchEvent(BaseModel, defer_build=True):
    """The ``detail`` of ``Image Batch Finished``."""

    metadata: events.EventMetadata
    data: FinishedBatch


def changed(image: Mapping[str, Any]) -> str | None:
    """Counts a task of a batch that has ended, or publishes the end of a batch. Repeating it is harmless.

    The last task that is counted writes ``finished_at`` to its batch. That write is in the stream too, and its record
    is the one to publish from: it comes again until the bus has the event.

    Args:
        image: The item after the change, as the stream reports it.

    Returns:
        The id of a batch whose end was published.
    """
    if not image["pk"]["S"].startswith("BATCH#"):
        origin = items.task_of(image).origin
        Batches().end_job(origin.batch, origin.part)
        return None
    if batch_of(image).published_at:
        return None
    batches = Batches()
    with contextlib.suppress(BatchNotFound):
        batch = batches.get(batch_of(image).batch_id)
        if not batch.published_at:
            publish(batch)
            batches.published(batch.batch_id)
            return batch.batch_id
    return None


def end_incomplete() -> list[str]:
    """Refuses the jobs of incomplete batches that were not accepted, so that the batches finish with their tasks.

    Returns:
        The ids of the batches whose jobs were refused.
    """
    batches, ended = Batches(), []
    before = clock.milliseconds() - PATIENCE_SECONDS * 1_000
    for batch_id, requested_at in batches.incomplete(before, most=_MOST_ENDED):
        # The index lags behind, or the request is sent again at this moment.
        with contextlib.suppress(BatchNotFound):
            batch = batches.get(batch_id)
            stored = {task.task_id for task in TaskStore().get_all(list(batch.tasks.values()))}
            missing = [job for job, task_id in batch.tasks.items() if task_id not in stored]
            if missing:
                refused = [RefusedJob(job=job, code=KilnError.code, message=_STOPPED) for job in missing]
                batch = batches.refuse(batch_id, refused, requested_at=requested_at)
                ended.append(batch_id)
            batches.finish(batch)
            batches.completed(batch_id)
    return ended


def publish(batch: Batch) -> None:
    """Puts ``Image Batch Finished`` on the bus; published again, it has the same id.

    Raises:
        BusRefused: The bus did not take it.
    """
    metadata = events.EventMetadata(
        event_id=event_id(batch.batch_id),
        occurred_at=batch.finished_at,
        caller=batch.caller,
        channel=batch.channel,
        has_receiver=bool(batch.callback_url),
    )
    events.publish(FINISHED, BatchEvent(metadata=metadata, data=finished_batch_view(batch)))


def event_id(batch_id: str) -> str:
    """The id of a batch's end: on the bus, and as ``webhook-id``."""
    return str(uuid.uuid5(events.EVENT_IDS, f"{batch_id}/finished"))
