"""``python -m benchmarks.measuring.recording``: records every scenario on a local stack, as ``recorded_calls.json``."""

from __future__ import annotations

import argparse
import datetime as dt
import platform
from collections.abc import Callable

from rich.console import Console

from benchmarks.data.counts import Counts
from benchmarks.data.recorded_calls import RecordedCalls
from benchmarks.measuring.recording.recorder import Recorder, recorder

_RUNS = 3


def main() -> None:
    """Record every scenario, and write the result."""
    argparse.ArgumentParser(prog="python -m benchmarks.measuring.recording", description=__doc__).parse_args()
    progress = Console(stderr=True, highlight=False)
    counts: dict[str, Counts] = {}
    with recorder() as stack:
        # The first task starts every function cold.
        counts["api-1-cold"] = stack.api_task(1)
        for name, run in _scenarios(stack).items():
            progress.print(f"recording {name} …")
            # How often writes collide is a matter of chance, so the median of three runs counts.
            runs = sorted((stack.warm(run) for _ in range(_RUNS)), key=lambda each: each.aws_requests)
            counts[name] = runs[_RUNS // 2]
    RecordedCalls(
        recorded_on=dt.datetime.now(dt.UTC).date().isoformat(),
        machine=f"{platform.machine()}, Python {platform.python_version()}",
        scenarios=counts,
    ).write()


def _scenarios(stack: Recorder) -> dict[str, Callable[[], Counts]]:
    return {
        "api-1-callback": lambda: stack.api_task(1),
        "api-1-timer": lambda: stack.api_task(1, by_timer=True),
        "api-9-callback": lambda: stack.api_task(9),
        "api-9-timer": lambda: stack.api_task(9, by_timer=True),
        "api-1-no-webhook": lambda: stack.api_task(1, webhook=False),
        "api-1-pair-in-queue": stack.waiting_task,
        "drop-1-callback": lambda: stack.dropped_task(1),
        "query": stack.query,
        "download": stack.download,
    }


if __name__ == "__main__":
    main()
