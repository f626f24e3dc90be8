"""The tables of docs/performance.md, made from the results of ``make bench``."""

from __future__ import annotations

from benchmarks.data.results import Results
from benchmarks.reporting import pages

PAGE = "performance.md"


def tables(results: Results) -> dict[str, str]:
    """Return the tables of the page, by name."""
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
