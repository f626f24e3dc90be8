"""The figures of a listing: how many reads a page takes, whatever its number."""

from __future__ import annotations

from benchmarks.measuring.tasks.listing import measure_listing


def test_page_far_back_takes_as_many_reads_as_the_first():
    assert [(figure.measured, figure.ratio) for figure in measure_listing()] == [("2", 0), ("2", 0)]
