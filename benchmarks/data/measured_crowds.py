"""The committed crowds (``measured_crowds.json``): many tasks at once on the local stack, predicted and measured."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

FILE = Path(__file__).with_suffix(".json")


class Waits(BaseModel):
    """Duration and waiting times of one crowd, in seconds.

    Attributes:
        makespan: From the first acceptance to the last end.
        p50: The wait that half of the tasks stay below.
        p95: The same for 95 of 100.
        p99: The same for 99 of 100.
    """

    makespan: float
    p50: float
    p95: float
    p99: float


class Crowd(BaseModel):
    """One crowd, predicted and measured.

    Attributes:
        tasks: How many were created.
        images: Of all tasks together.
        stages: The stage times that the prediction was made from.
        predicted: By the simulation.
        measured: On the local stack.
    """

    tasks: int
    images: int
    stages: dict[str, float]
    predicted: Waits
    measured: Waits


class MeasuredCrowds(BaseModel):
    """All committed crowds and how they were measured."""

    measured_on: str
    slots: int
    generating_s: float
    crowds: list[Crowd]

    def write(self, path: Path = FILE) -> None:
        path.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read(path: Path = FILE) -> MeasuredCrowds:
    """Read the committed measurement."""
    return MeasuredCrowds.model_validate_json(path.read_text(encoding="utf-8"))
