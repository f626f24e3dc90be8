"""The functions that are measured: each one's event and goal, and the code that invokes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from benchmarks.measuring.cold_start.stand_in import ENDED_TASK_ID, EVENTS

TASK_ID = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
CALLBACK_TOKEN = "RvryChsW1akaXg6EGShuTBAD8HHIoaFG"

INVOKE = """
import json, sys
sys.path.insert(0, sys.argv[1])
import app

class Context:
    function_name = "kiln"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:kiln"
    aws_request_id = "8a6c2f0e-3f0b-4c57-9d3c-3f2f5a1b7c11"

    def get_remaining_time_in_millis(self):
        return 30_000

answer = app.handler(json.loads(sys.argv[2]), Context())
sys.stdout.flush()
print("ANSWER", json.dumps(answer))
"""
"""The steps of Lambda's own runtime with a function."""


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
    Start("poll", "workflow-poll", 1.15),
    Start("query", "api-query-one", 1.15),
    Start("collect", "workflow-collect", 1.15),
    Start("submit", "api-create", 1.3),
    Start("delete", "api-delete", 1.3, task_id=ENDED_TASK_ID),
    Start("inbox", "inbox-bus-request", 1.3),
    Start("dispatch", "workflow-dispatch", 1.3),
    Start("notify", "workflow-notify", 1.3),
    Start("start", "table-new-task", 1.3),
    Start("batch", "table-batch-task-ended", 1.3),
    Start("release", "workflow-release", 1.3),
    Start("reconcile", "schedule-reconcile", 1.3),
    Start("rescue", "rescue-workflow-broken", 1.3),
    Start("operate", "operate-status", 1.3),
    Start("console", "api-query-one", 1.3, path="/"),
]
