"""The channel for a team with an event bus: an ``Image Task Requested`` event of an allowed source becomes a task."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kiln import refusal_events
from kiln.contract.request import ignored_fields, parse_create_request
from kiln.contract.violations import shown
from kiln.errors import KilnError, MalformedRequest
from kiln.intake.accept import accept
from kiln.intake.budget import budget_of
from kiln.tasks.ids import content_task_id
from kiln.tasks.task import Origin, Task

DETAIL_TYPE = "Image Task Requested"


def task_requested(event: Mapping[str, Any]) -> Task | None:
    """Makes a task of an event; the same event again makes no second one.

    The rule lets only allowed sources ask (parameter ``RequestSources``). An event's source is the caller of its task.
    A refusal is published on the bus: ``Image Task Refused``.

    Args:
        event: As EventBridge delivers it; ``detail.data`` is the contract's create body.
    """
    ignored: list[str] = []
    try:
        body = event.get("detail", {}).get("data")
        if not isinstance(body, Mapping):
            raise MalformedRequest(f"detail.data: must be a JSON object, got {shown(body)}")
        _check_is_unicode(body)
        ignored = ignored_fields(body)
        return accept(
            parse_create_request(body, {}),
            event["source"],
            origin=Origin(channel="event"),
            task_id=content_task_id("event", event["source"], event["id"]),
            units_per_month=budget_of(event["source"]),
        )
    except KilnError as error:
        refusal_events.publish_refusal(event["id"], event["source"], error, ignored)
        return None


def _check_is_unicode(body: Mapping[str, Any]) -> None:
    r"""Refuses half a surrogate pair, such as ``"\ud83d"``: JSON can write it, but no text can be stored with it."""
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise MalformedRequest(f"detail.data: must be Unicode text, got half a surrogate pair, {half}") from error
