"""``results.json``: every figure as last measured, when and on what; and the tables that are made of it."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field

from benchmarks import pages
from benchmarks.figure import Figure

FILE = Path(__file__).with_name("results.json")
PAGE = "performance.md"


class Measurement(BaseModel):
    """What one measurement came to."""

    measured_on: str
    machine: str
    figures: list[Figure]


class Results(BaseModel):
    """Every measurement by its name; one that is run again replaces its own."""

    measurements: dict[str, Measurement] = Field(default_factory=dict)

    @classmethod
    def read(cls, path: Path = FILE) -> Results:
        """What was measured last."""
        return cls.model_validate_json(path.read_text(encoding="utf-8")) if path.exists() else cls()

    def write(self, path: Path = FILE) -> None:
        """Keeps it."""
        path.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    def figure(self, name: str) -> Figure | None:
        """A figure by its name, if it has been measured."""
        every = (figure for measurement in self.measurements.values() for figure in measurement.figures)
        return next((figure for figure in every if figure.name == name), None)


def tables_of(results: Results) -> dict[str, str]:
    """The tables of the page, by name."""
    met = {True: "yes", False: "**no**", None: ""}
    rows = [
        (figure.name, figure.measured, figure.reference, figure.shown_ratio, figure.shown_goal, met[figure.is_met])
        for measurement in results.measurements.values()
        for figure in measurement.figures
    ]
    measured = [(name, each.measured_on, each.machine) for name, each in results.measurements.items()]
    return {
        "figures": pages.table(("figure", "Kiln", "reference", "ratio", "goal", "met"), rows),
        "measured": pages.table(("measurement", "last run", "on"), measured),
    }
