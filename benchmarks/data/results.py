"""The committed results of ``make bench`` (``results.json``): each figure as last measured, when, and where."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field

from benchmarks.data.figure import Figure

FILE = Path(__file__).with_suffix(".json")


class Measurement(BaseModel):
    """The figures of one measurement."""

    measured_on: str
    machine: str
    figures: list[Figure]


class Results(BaseModel):
    """Every measurement by its name. A repeated measurement replaces its previous one."""

    measurements: dict[str, Measurement] = Field(default_factory=dict)

    @classmethod
    def read(cls, path: Path = FILE) -> Results:
        """Read the last results; empty if there is no file."""
        return cls.model_validate_json(path.read_text(encoding="utf-8")) if path.exists() else cls()

    def write(self, path: Path = FILE) -> None:
        path.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    def figure(self, name: str) -> Figure | None:
        """A figure by its name; ``None`` if it has not been measured."""
        every = (figure for measurement in self.measurements.values() for figure in measurement.figures)
        return next((figure for figure in every if figure.name == name), None)
