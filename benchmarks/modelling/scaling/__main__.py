"""``python -m benchmarks.modelling.scaling``: writes the tables of docs/scaling.md."""

from __future__ import annotations

import sys

from benchmarks.data import measured_crowds, recorded_calls
from benchmarks.modelling.scaling.tables import PAGE, tables
from benchmarks.reporting import pages

if __name__ == "__main__":
    sys.exit(
        pages.write_or_check(
            PAGE,
            lambda: tables(recorded_calls.read(), measured_crowds.read()),
            module="benchmarks.modelling.scaling",
            target="scale",
        )
    )
