"""Answers of the operate function in tests of the operator's commands."""

from __future__ import annotations

from typing import Any

STATUS: dict[str, Any] = {
    "paused_at": 0,
    "slots": 9,
    "held": 0,
    "throttled": 0,
    "reserved": 0,
    "running": [],
    "ended": [],
    "waiting": 0,
    "next_task_id": "",
    "next_since": 0,
}
"""Dispatch with nine free slots and no task."""
