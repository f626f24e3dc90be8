"""The functions that are measured: each one's event and goals."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from benchmarks.measuring.cold_start.stand_in import ENDED_TASK_ID, EVENTS

TASK_ID = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
CALLBACK_TOKEN = "RvryChsW1akaXg6EGShuTBAD8HHIoaFG"


@dataclass(frozen=True)
class Start:
    """A function's first invocation: its event, and the largest ratio to the reference that meets the goal."""

    function: str
    event: str
    goal: float
    path: str = ""
    task_id: str = TASK_ID

    @property
    def folder(self) -> str:
        """The function's folder in the build."""
        return f"{self.function.capitalize()}Function"

    def payload(self) -> dict[str, Any]:
        """Return the event. A callback's address is signed with the measurement's own key."""
        written = (EVENTS / f"{self.event}.json").read_text("utf-8")
        written = written.replace("Yb0M3cC2f7uKp1xq9sVd5tWz8aLhR4eN", CALLBACK_TOKEN).replace(
            '"id": "order-7"', f'"id": "{self.task_id}"'
        )
        payload: dict[str, Any] = json.loads(written)
        if self.path:
            context = {**payload["requestContext"], "path": f"/live{self.path}"}
            payload |= {"path": self.path, "resource": self.path, "requestContext": context}
        return payload


STARTS = [
    Start("callback", "api-callback", 1.15),
    Start("query", "api-query-one", 1.15),
    Start("start", "table-new-task", 1.15),
    Start("release", "workflow-release", 1.15),
    Start("rescue", "rescue-workflow-broken", 1.15),
    Start("operate", "operate-status", 1.15),
    Start("poll", "workflow-poll", 1.25),
    Start("submit", "api-create", 1.3),
    Start("dispatch", "workflow-dispatch", 1.3),
    Start("notify", "workflow-notify", 1.3),
    Start("collect", "workflow-collect", 1.3),
    Start("delete", "api-delete", 1.3, task_id=ENDED_TASK_ID),
    Start("inbox", "inbox-bus-request", 1.3),
    Start("batch", "table-batch-task-ended", 1.3),
    Start("reconcile", "schedule-reconcile", 1.3),
    Start("console", "api-query-one", 0.65, path="/"),
]

FIRST_INVOCATION_MS = 40.0
"""The goal for the CPU time of each first invocation: Lambda gives it a share of a CPU only."""
