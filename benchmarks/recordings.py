"""The committed recordings: which there are, how they are made anew, and how they are read."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel

from benchmarks.counts import Counts
from benchmarks.recording import Recorder, recorder

FILE = Path(__file__).with_name("recorded_calls.json")

_RUNS = 3


class Recordings(BaseModel):
    """What was recorded, when, and on what.

    Attributes:
        recorded_on: The day.
        machine: Where the CPU times come from.
        scenarios: By name: ``api-1-callback`` is a task of one image over the API whose callbacks came.
    """

    recorded_on: str
    machine: str
    scenarios: dict[str, Counts]

    def of(self, n: int, *, by_timer: bool) -> Counts:
        """A task over the API, with a ``callback_url``."""
        return self.scenarios[f"api-{n}-{'timer' if by_timer else 'callback'}"]

    @property
    def waiting(self) -> Counts:
        """What a task uses beyond the others because it stands in line."""
        return self.scenarios["api-1-pair-in-line"].less(self.of(1, by_timer=False), 2)


def read(path: Path = FILE) -> Recordings:
    """The committed recordings."""
    return Recordings.model_validate_json(path.read_text(encoding="utf-8"))


def renew(say: Callable[[str], None]) -> Recordings:
    """Records everything anew, on a stack of its own, and writes it down."""
    scenarios: dict[str, Counts] = {}
    with recorder() as stack:
        # The first task of all finds every function cold.
        scenarios["api-1-cold"] = stack.api_task(1)
        for name, run in _warm(stack).items():
            say(name)
            # Who meets whom in the table is a matter of chance: the run in the middle of three.
            runs = sorted((stack.warm(run) for _ in range(_RUNS)), key=lambda counts: counts.aws_requests)
            scenarios[name] = runs[_RUNS // 2]
    found = Recordings(
        recorded_on=dt.datetime.now(dt.UTC).date().isoformat(),
        machine=f"{platform.machine()}, Python {platform.python_version()}",
        scenarios=scenarios,
    )
    FILE.write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return found


def _warm(stack: Recorder) -> dict[str, Callable[[], Counts]]:
    return {
        "api-1-callback": lambda: stack.api_task(1),
        "api-1-timer": lambda: stack.api_task(1, by_timer=True),
        "api-9-callback": lambda: stack.api_task(9),
        "api-9-timer": lambda: stack.api_task(9, by_timer=True),
        "api-1-no-webhook": lambda: stack.api_task(1, webhook=False),
        "api-1-pair-in-line": stack.waiting_task,
        "drop-1-callback": lambda: stack.dropped_task(1),
        "query": stack.query,
        "download": stack.download,
    }
