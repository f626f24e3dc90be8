"""The page of figures says what was measured, and a figure knows whether it is what it was to be."""

from __future__ import annotations

import pytest

from benchmarks import pages
from benchmarks.figure import Figure
from benchmarks.results import PAGE, Measurement, Results, tables_of


def test_the_page_has_the_figures_that_were_measured_last():
    assert pages.is_current(PAGE, tables_of(Results.read()))


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
def test_a_goal_is_met_or_not(ratio, goal, at_least, is_met):
    assert Figure("f", "1 s", "2 s", ratio, goal, at_least).is_met is is_met


def test_what_was_measured_is_kept_as_it_was(tmp_path):
    figure = Figure("f", "1 s", "2 s: the other way", 0.5, 0.6)
    results = Results(measurements={"m": Measurement(measured_on="2026-01-01", machine="2 cores", figures=[figure])})
    results.write(tmp_path / "results.json")
    read = Results.read(tmp_path / "results.json")
    assert read == results
    assert read.figure("f") == figure
    assert read.figure("g") is None
    assert "| f | 1 s | 2 s: the other way | 0.50 | ≤ 0.6 | yes |" in tables_of(read)["figures"]
