"""The committed recordings of what a task uses (``recorded_calls.json``). ``measuring.recording`` writes them."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from benchmarks.data.counts import Counts

FILE = Path(__file__).with_suffix(".json")


class RecordedCalls(BaseModel):
    """The recordings, their time and their machine.

    Attributes:
        recorded_on: The day.
        machine: Where the CPU times were measured.
        scenarios: By name. ``api-1-callback`` is a task of one image over the API whose callbacks arrived.
    """

    recorded_on: str
    machine: str
    scenarios: dict[str, Counts]

    def of(self, n: int, *, by_timer: bool) -> Counts:
        """Counts of a task over the API, with a ``callback_url``."""
        return self.scenarios[f"api-{n}-{'timer' if by_timer else 'callback'}"]

    @property
    def waiting(self) -> Counts:
        """Additional usage of a task that waits in the queue."""
        return self.scenarios["api-1-pair-in-queue"].less(self.of(1, by_timer=False), 2)

    def write(self, path: Path = FILE) -> None:
        path.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read(path: Path = FILE) -> RecordedCalls:
    """Read the committed recordings."""
    return RecordedCalls.model_validate_json(path.read_text(encoding="utf-8"))
