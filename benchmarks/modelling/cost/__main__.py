"""``python -m benchmarks.modelling.cost``: writes the tables of docs/cost.md."""

from __future__ import annotations

import sys

from benchmarks.data import recorded_calls
from benchmarks.modelling.cost.tables import PAGE, tables
from benchmarks.reporting import pages

if __name__ == "__main__":
    sys.exit(
        pages.write_or_check(
            PAGE, lambda: tables(recorded_calls.read()), module="benchmarks.modelling.cost", target="cost"
        )
    )
