"""Results: docs/performance.md has the current tables, and figures compare themselves with their goals."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.data.figure import Figure
from benchmarks.data.results import Measurement, Results
from benchmarks.reporting import pages, performance


def test_page_has_the_current_tables() -> None:
    assert pages.is_current(performance.PAGE, performance.tables(Results.read()))


@pytest.mark.parametrize(
    ("ratio", "goal", "at_least", "is_met"),
    [
        (1.0, 1.3, False, True),
        (1.3, 1.3, False, True),
        (1.31, 1.3, False, False),
        (0.7, 0.6, True, True),
        (0.5, 0.6, True, False),
        (9.0, None, False, None),
    ],
)
def test_ratio_on_the_right_side_of_its_goal_meets_it(
    ratio: float, goal: float | None, at_least: bool, is_met: bool | None
) -> None:
    assert Figure("f", "1 s", "2 s", ratio, goal, at_least).is_met is is_met


def test_written_results_are_read_back_unchanged(tmp_path: Path) -> None:
    figure = Figure("f", "1 s", "2 s: the other way", 0.5, 0.6)
    results = Results(measurements={"m": Measurement(measured_on="2026-01-01", machine="2 cores", figures=[figure])})
    results.write(tmp_path / "results.json")
    read = Results.read(tmp_path / "results.json")
    assert read == results
    assert read.figure("f") == figure
    assert read.figure("g") is None
    assert "| f | 1 s | 2 s: the other way | 0.50 | ≤ 0.6 | yes |" in performance.tables(read)["figures"]
