"""Publishes that a caller's budget is nearly used, by the table's stream: the write that ends a task records it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from kiln import events
from kiln.contract.usage import NearlyUsedBudget
from kiln.tasks.usage import Usage

NEARLY_USED = "Image Budget Nearly Used"

KEY_PREFIX = "USAGE#"
"""The keys of the items of usage begin so."""


class BudgetMetadata(BaseModel, defer_build=True):
    """Tells one event from another.

    Attributes:
        event_id: The same whenever the same event is sent again.
        version: Of the shape of ``data``.
        occurred_at: When the budget was nearly used, in milliseconds since the epoch.
        caller: Whose budget it is.
    """

    event_id: str
    version: str = events.VERSION
    occurred_at: int
    caller: str


class BudgetEvent(BaseModel, defer_build=True):
    """The ``detail`` of ``Image Budget Nearly Used``."""

    metadata: BudgetMetadata
    data: NearlyUsedBudget


def changed(image: Mapping[str, Any]) -> str | None:
    """Publishes that a budget is nearly used, unless that was published. Repeating it is harmless.

    Args:
        image: The item of usage after the change, as the stream reports it.

    Returns:
        The caller, if an event was published.

    Raises:
        BusRefused: The bus did not take it.
    """
    key: str = image["pk"]["S"]
    caller, _, month = key.removeprefix(KEY_PREFIX).rpartition("#")
    usage = Usage()
    budget = usage.nearly_used(caller, month)
    if budget is None:
        return None
    metadata = BudgetMetadata(
        event_id=str(uuid.uuid5(events.EVENT_IDS, f"{caller}/{month}/nearly used")),
        occurred_at=budget.nearly_used_at,
        caller=caller,
    )
    events.publish(NEARLY_USED, BudgetEvent(metadata=metadata, data=budget))
    usage.published(caller, month)
    return caller
