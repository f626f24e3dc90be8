"""The task's workflow as the benchmarks see it: its definition, and the states that they look for by name."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from benchmarks import ROOT

DEFINITION = ROOT / "functions" / "workflow" / "task.asl.json"

AWAIT_TURN = "AwaitTurn"
DISPATCH = "Dispatch"
COLLECT = "Collect"

POLLING_ROUND = ("AwaitCallback", "Poll", "IsGenerated?")
"""The states of one wake-up that finds the provider still generating."""

WAITING_ROUND = (AWAIT_TURN, DISPATCH, "IsDispatched?")
"""The states of one wake-up that finds no slots."""

_PLACEHOLDER = re.compile(r"(?<!\")\$\{\w+\}(?!\")")


@cache
def states() -> dict[str, Any]:
    """Return the states of the workflow by name, with 1 for each number that the template fills in."""
    definition = _PLACEHOLDER.sub("1", DEFINITION.read_text(encoding="utf-8"))
    read: dict[str, Any] = json.loads(definition)["States"]
    return read
