"""The event of a request from the bus that made no task."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from pydantic import BaseModel, Field

from kiln import events
from kiln.contract.envelope import Refusal
from kiln.errors import KilnError

REFUSED = "Image Task Refused"


class RefusalMetadata(BaseModel, defer_build=True):
    """Tells which request was refused.

    Attributes:
        event_id: The same whenever the same refusal is sent again.
        version: Of the shape of ``data``.
        request_event_id: The ``id`` of the event that asked.
        caller: The source that asked.
        ignored: Fields of the request that have no effect; absent if there are none.
    """

    event_id: str
    version: str = events.VERSION
    request_event_id: str
    caller: str
    ignored: list[str] = Field(
        default_factory=list,
        description="Fields of the request that have no effect; absent if none",
        exclude_if=lambda value: not value,
    )


class RefusalEvent(BaseModel, defer_build=True):
    """The ``detail`` of ``Image Task Refused``."""

    metadata: RefusalMetadata
    data: Refusal


def publish_refusal(request_event_id: str, caller: str, error: KilnError, ignored: Sequence[str] = ()) -> None:
    """Puts ``Image Task Refused`` on the bus: a request that came from there made no task.

    Args:
        request_event_id: The ``id`` of the event that asked.
        caller: The source that asked.
        error: The reason.
        ignored: The fields of the request that have no effect; a misspelt field is often the cause of a refusal.

    Raises:
        RuntimeError: The bus did not take it.
    """
    refusal = RefusalEvent(
        metadata=RefusalMetadata(
            event_id=str(uuid.uuid5(events.EVENT_IDS, f"{request_event_id}/refused")),
            request_event_id=request_event_id,
            caller=caller,
            ignored=list(ignored),
        ),
        data=Refusal(code=error.code, message=error.message, request_id=request_event_id),
    )
    events.publish(REFUSED, refusal)
