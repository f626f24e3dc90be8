"""The test's side of the injector: gives a marker to each task, arms plans for it, reads what was recorded."""

from __future__ import annotations

import contextlib
import json
import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

INJECTOR = Path(__file__).resolve().parent / "injector"

CRASH_BEFORE = "crash_before"
CRASH_AFTER = "crash_after"
LOSE_ANSWER = "lose_answer"
REFUSE = "refuse"
ACTIONS = (CRASH_BEFORE, CRASH_AFTER, LOSE_ANSWER, REFUSE)


@dataclass(frozen=True, order=True)
class Point:
    """One call to the outside, as a healthy run has made it.

    Attributes:
        function: Which makes it, as the template names it.
        call: ``dynamodb.UpdateItem``, ``httpx.POST``; ``return`` is the handler's own answer.
        occurrence: Which of the same calls of one invocation.
        reach: Which of the task's invocations that come this far.
    """

    function: str
    call: str
    occurrence: int
    reach: int

    def __str__(self) -> str:
        return f"{self.function}:{self.call}#{self.occurrence}@{self.reach}"


@dataclass(frozen=True)
class Plan:
    """One fault: it strikes one task at one point, once."""

    point: Point
    action: str

    def __str__(self) -> str:
        return f"{self.action} {self.point}"


class Injector:
    """The folder that the workers share with the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("calls", "plans", "reached", "tasks"):
            (folder / name).mkdir(parents=True)

    @property
    def environment(self) -> dict[str, str]:
        """The environment with which the local AWS's workers load the injector."""
        return {"PYTHONPATH": str(INJECTOR), "KILN_CHAOS_DIR": str(self.folder)}

    def arm(self, marker: str, plan: Plan) -> None:
        """Has a plan come true for the task with this marker."""
        path = self.folder / "plans" / f"{marker}.{secrets.token_hex(4)}.json"
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps({**asdict(plan.point), "action": plan.action}), encoding="utf-8")
        partial.rename(path)

    def has_struck(self, marker: str, plan: Plan) -> bool:
        """Whether a task's plan has come true."""
        return any((self.folder / "reached").glob(f"{marker}.*.{plan.point.reach}"))

    @contextlib.contextmanager
    def throttling(self, services: Collection[str], functions: Collection[str], rate: float) -> Iterator[None]:
        """Has AWS services refuse some of these functions' calls, the SDK's own retries included."""
        path = self.folder / "throttling.json"
        weather = {"services": sorted(services), "functions": sorted(functions), "rate": rate}
        path.with_suffix(".partial").write_text(json.dumps(weather), encoding="utf-8")
        path.with_suffix(".partial").rename(path)
        try:
            yield
        finally:
            path.unlink()

    def is_throttling(self) -> bool:
        """Whether AWS services refuse calls now: that may break any task's notification, without a plan."""
        return (self.folder / "throttling.json").exists()

    def is_any_struck(self, marker: str) -> bool:
        """Whether any plan of a task has come true, or has come near it."""
        return any((self.folder / "reached").glob(f"{marker}.*"))

    def calls(self) -> Iterator[dict[str, Any]]:
        """Every call so far, by no order in particular."""
        for path in (self.folder / "calls").glob("*.jsonl"):
            for line in path.read_text(encoding="utf-8").splitlines():
                yield json.loads(line)

    def calls_of(self, *markers: str) -> list[dict[str, Any]]:
        """The calls made for the tasks with these markers, in order."""
        wanted = set(markers)
        return sorted((call for call in self.calls() if wanted & set(call["markers"])), key=lambda call: call["at"])

    def points(self, *markers: str) -> list[Point]:
        """Every point that the tasks with these markers have passed."""
        reached: Counter[tuple[str, str, int]] = Counter(
            (call["function"], call["call"], call["occurrence"]) for call in self.calls_of(*markers)
        )
        return sorted(Point(*point, reach) for point, times in reached.items() for reach in range(1, times + 1))


def new_marker() -> str:
    """A mark in a task's request, by which the injector recognises the task in every function."""
    return f"chaos-{secrets.token_hex(4)}"


def plans_for(points: Iterable[Point]) -> list[Plan]:
    """Everything that can happen at each of these points; a handler's own answer can only be lost."""
    return [
        Plan(point, action) for point in points for action in (ACTIONS if point.call != "return" else (CRASH_BEFORE,))
    ]
