"""The event of a task that was deleted."""

from __future__ import annotations

import uuid

from pydantic import BaseModel

from kiln import events
from kiln.contract.answers import DeletedTask
from kiln.events import EventMetadata
from kiln.tasks.task import Task
from kiln.tasks.views import deleted_view

DELETED = "Image Task Deleted"


class DeletionEvent(BaseModel, defer_build=True):
    """The ``detail`` of ``Image Task Deleted``."""

    metadata: EventMetadata
    data: DeletedTask


def publish_deletion(task: Task) -> None:
    """Puts ``Image Task Deleted`` on the bus; published again, it has the same id.

    Raises:
        events.BusRefused: The bus did not take it.
    """
    metadata = EventMetadata(
        event_id=str(uuid.uuid5(events.EVENT_IDS, f"{task.run_id}/deleted")),
        occurred_at=task.deleted_at,
        caller=task.caller,
        channel=task.origin.channel,
    )
    events.publish(DELETED, DeletionEvent(metadata=metadata, data=deleted_view(task)))
