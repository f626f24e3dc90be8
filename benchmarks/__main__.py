"""``python -m benchmarks [names]``: measures, prints one table, writes ``results.json``, the page and its pictures."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import cold_start, pages, plots
from benchmarks.copying import measure_copying
from benchmarks.durations import measure_all_tests, measure_first_run, measure_unit_tests
from benchmarks.figure import Figure
from benchmarks.listing import measure_listing
from benchmarks.per_task import measure_calls
from benchmarks.results import PAGE, Measurement, Results, tables_of
from benchmarks.throughput import measure_throughput
from benchmarks.wakeups import measure_wakeups
from benchmarks.warm import measure_warm


def _measure_cold_starts() -> Iterable[Figure]:
    for row in cold_start.measure():
        measured, reference = (f"{row[name] / 1e6:,.0f} million" for name in ("measured", "reference"))
        yield Figure(row["figure"], measured, f"{reference}: import boto3, one client", row["ratio"], row["goal"])


_MEASUREMENTS: dict[str, Callable[[], Iterable[Figure]]] = {
    "cold-starts": _measure_cold_starts,
    "warm": measure_warm,
    "copying": measure_copying,
    "calls": measure_calls,
    "wakeups": measure_wakeups,
    "throughput": measure_throughput,
    "listing": measure_listing,
    "first-run": measure_first_run,
    "unit-tests": measure_unit_tests,
    "all-tests": measure_all_tests,
}


def main() -> int:
    """Measures what is named, or everything; what could not be measured is said, and makes the exit status 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"all of them if none: {', '.join(_MEASUREMENTS)}")
    names = parser.parse_args().names
    if unknown := set(names) - set(_MEASUREMENTS):
        parser.error(f"there is no measurement {', '.join(sorted(unknown))}")
    complaints = Console(stderr=True)
    results = Results.read()
    failed = False
    for name in names or _MEASUREMENTS:
        complaints.print(f"measuring {name} …")
        try:
            figures = list(_MEASUREMENTS[name]())
        except Exception:  # noqa: BLE001 - the others are measured all the same, and the exit status tells
            complaints.print_exception(max_frames=4)
            failed = True
            continue
        results.measurements[name] = Measurement(
            measured_on=dt.datetime.now(dt.UTC).date().isoformat(),
            machine=f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
            figures=figures,
        )
        results.measurements = {
            each: results.measurements[each] for each in _MEASUREMENTS if each in results.measurements
        }
        # After each, so that a long run that is ended keeps what it has.
        results.write()
        pages.write(PAGE, tables_of(results))
    plots.draw(results, Path(__file__).parents[1] / "docs" / "img")
    _print(results)
    return 1 if failed else 0


def _print(results: Results) -> None:
    table = Table("figure", "measured", "reference", "ratio", "goal", "met")
    for measurement in results.measurements.values():
        for figure in measurement.figures:
            met = {True: "[green]yes", False: "[red]no", None: ""}[figure.is_met]
            table.add_row(figure.name, figure.measured, figure.reference, figure.shown_ratio, figure.shown_goal, met)
        table.add_section()
    Console(width=190).print(table)


if __name__ == "__main__":
    sys.exit(main())
