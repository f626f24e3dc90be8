"""``python -m benchmarks``: runs every measurement, prints one table and writes ``benchmarks/results.json``."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.listing import measure_listing
from benchmarks.wakeups import measure_wakeups
from local.stack import Options, Stack

RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Measures on a stack of its own."""
    with tempfile.TemporaryDirectory() as folder:
        options = Options(
            Path(folder),
            parameters={"PollAfterSeconds": "5"},
            provider_arguments=["--task-seconds", "1", "--pixels", "100000"],
        )
        with Stack(options) as stack:
            figures = [*measure_wakeups(stack), *measure_listing()]
    table = Table("figure", "measured", "reference", "ratio")
    for figure in figures:
        table.add_row(figure.name, figure.measured, figure.reference, figure.ratio)
    Console(width=140).print(table)
    RESULTS.write_text(json.dumps([figure.__dict__ for figure in figures], indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
