"""``python -m benchmarks.measuring [names]``: measures, prints one table, writes ``results.json``, page and plots."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import sys
from collections.abc import Callable, Iterable

from rich.console import Console
from rich.table import Table

from benchmarks.data.figure import Figure
from benchmarks.data.results import Measurement, Results
from benchmarks.measuring.cold_start.measure import measure_cold_starts
from benchmarks.measuring.copying.measure import measure_copying
from benchmarks.measuring.durations import measure_all_tests, measure_first_run, measure_unit_tests
from benchmarks.measuring.tasks.calls import measure_calls
from benchmarks.measuring.tasks.listing import measure_listing
from benchmarks.measuring.tasks.throughput import measure_throughput
from benchmarks.measuring.tasks.utilisation import measure_utilisation
from benchmarks.measuring.tasks.waiting import measure_waiting
from benchmarks.measuring.tasks.waits import measure_waits
from benchmarks.measuring.tasks.wake_ups import measure_wake_ups
from benchmarks.measuring.warm.measure import measure_warm
from benchmarks.reporting import pages, performance, plots

_MEASUREMENTS: dict[str, Callable[[], Iterable[Figure]]] = {
    "cold-starts": measure_cold_starts,
    "warm": measure_warm,
    "copying": measure_copying,
    "calls": measure_calls,
    "waits": measure_waits,
    "wake-ups": measure_wake_ups,
    "utilisation": measure_utilisation,
    "throughput": measure_throughput,
    "waiting": measure_waiting,
    "listing": measure_listing,
    "first-run": measure_first_run,
    "unit-tests": measure_unit_tests,
    "all-tests": measure_all_tests,
}


def main() -> int:
    """Run the named measurements, or all. A measurement that fails is reported and makes the exit status 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measuring", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"all if none is given: {', '.join(_MEASUREMENTS)}")
    names = parser.parse_args().names
    if unknown := set(names) - set(_MEASUREMENTS):
        parser.error(f"must be one of {', '.join(_MEASUREMENTS)}, got {', '.join(sorted(unknown))}")
    progress = Console(stderr=True)
    results = Results.read()
    failed = False
    for name in names or _MEASUREMENTS:
        progress.print(f"measuring {name} …")
        try:
            figures = list(_MEASUREMENTS[name]())
        except Exception:  # noqa: BLE001 - the other measurements still run, and the exit status says it
            progress.print_exception(max_frames=4)
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
        # After each measurement, so that a long run that is interrupted keeps its results.
        results.write()
        pages.write(performance.PAGE, performance.tables(results))
    plots.draw(results, pages.DOCS / "img")
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
