"""``python -m benchmarks.scaling``: writes the tables of docs/scaling.md: what binds when, how long tasks will wait."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from benchmarks import crowd, limits, pages, recordings
from benchmarks.capacity import write_units
from benchmarks.crowd import Crowd, Measured
from benchmarks.limits import POLLING, TURNING
from benchmarks.pricing import PriceList
from benchmarks.recordings import Recordings
from benchmarks.simulation import Arrival, Stages, burst, capacity, percentiles, poisson, simulate

ROOT = Path(__file__).resolve().parents[1]
PAGE = "scaling.md"

STAGES = Stages(spread=0.3)
"""Of a deployed stack: 24 s of generation as it was once observed, the rest estimated."""

MIXES = {"1": {1: 1}, "1 to 4": {1: 3, 2: 2, 4: 1}}
SLOTS = (9, 20, 100)
LOADS = (0.5, 0.8, 0.95)
BURSTS = (100, 1_000, 10_000)
TASKS = 1_500
SEED = 20_261


def main() -> int:
    """Writes or checks the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; say whether the page is current")
    arguments = parser.parse_args()
    written = tables(recordings.read(), crowd.read())
    if arguments.check:
        if pages.is_current(PAGE, written):
            return 0
        print(f"docs/{PAGE} is not what the script writes: make scale", file=sys.stderr)
        return 1
    pages.write(PAGE, written)
    return 0


def tables(found: Recordings, measured: Measured) -> dict[str, str]:
    """Every table of the page."""
    parameters = _parameters()
    return {
        "limits": _limits(found, parameters),
        "slots-item": _slots_item(),
        "history": _history(found, parameters),
        "steady": _steady(),
        "bursts": _bursts(),
        "check": _check(measured),
        "quotas": _quotas(),
    }


def _limits(found: Recordings, parameters: dict[str, Any]) -> str:
    listed = limits.limits(found, STAGES, parameters, PriceList())
    rows = [[each.what, each.quota, each.use, _rate(each.binds[0]), _rate(each.binds[1]), each.turn] for each in listed]
    heads = ["what binds", "quota", "a task takes", "at tasks/s, us-east-1", "at tasks/s, elsewhere", "what to turn"]
    return pages.table(heads, rows)


def _rate(tasks: float) -> str:
    return f"{tasks:,.0f}" if tasks >= 20 else f"{tasks:.2g}"


def _slots_item() -> str:
    most = limits.slots_that_bind(STAGES)
    rows = []
    for slots in (9, 100, 500, most, 1_000):
        size = slots * limits.SLOT_NAME_BYTES
        units = limits.SLOT_WRITES * write_units(size)
        rate = capacity(STAGES, {1: 1}, slots)
        rows.append([f"{slots:,}", f"{size:,}", str(units), f"{rate:.1f}", f"{rate * units:,.0f}"])
    heads = ["`ProviderSlots`", "bytes when all are held", "write units a task", "tasks/s they serve", "write units/s"]
    return pages.table(heads, rows)


def _history(found: Recordings, parameters: dict[str, Any]) -> str:
    used = found.of(1, by_timer=False).history_events["task"]
    states = limits.states()
    rows = []
    for what, path, name, seconds in (
        ("asking a provider that is still at it", POLLING, "PollAfterSeconds", (1, 5, 30, 60)),
        ("standing in line", TURNING, "TurnCheckSeconds", (60, 900)),
    ):
        default = int(parameters[name]["Default"])
        for every in seconds:
            full = limits.seconds_of_history(path, every, used)
            shown = f"`{name}={every}`{' (default)' if every == default else ''}"
            rows.append([what, shown, str(limits.events_of(path, states)), _time(full)])
    return pages.table(["an execution goes round", "every", "events a round", "its history is full after"], rows)


def _steady() -> str:
    rows = []
    for name, mix in MIXES.items():
        for slots in SLOTS:
            at_most = capacity(STAGES, mix, slots)
            cells = [name, str(slots), f"{at_most * 3_600:,.0f}"]
            for load in LOADS:
                arrivals = poisson(load * at_most, TASKS, mix, seed=SEED, callers=3)
                cells.append(_waits(arrivals, slots))
            rows.append(cells)
    heads = ["n", "slots", "tasks an hour, at most", *(f"wait at {load:.0%} of that" for load in LOADS)]
    return pages.table(heads, rows)


def _bursts() -> str:
    rows = []
    for name, mix in MIXES.items():
        for slots in (SLOTS[0], SLOTS[-1]):
            cells = [name, str(slots)]
            for count in BURSTS:
                outcome = simulate(burst(count, mix, seed=SEED), STAGES, slots, seed=SEED)
                cells.append(_time(outcome.makespan))
            rows.append(cells)
    return pages.table(["n", "slots", *(f"{count:,} at once are done after" for count in BURSTS)], rows)


def _waits(arrivals: Iterable[Arrival], slots: int) -> str:
    outcome = simulate(arrivals, STAGES, slots, seed=SEED)
    return " / ".join(_time(value) for value in percentiles(outcome.waits))


def _check(measured: Measured) -> str:
    rows = []
    for each in measured.crowds:
        pairs = [(name, getattr(each.predicted, name), getattr(each.measured, name)) for name in _COMPARED]
        cells = [f"{predicted:.1f} s / {seen:.1f} s ({predicted / seen - 1:+.0%})" for _, predicted, seen in pairs]
        rows.append([_named(each), *cells])
    return pages.table(["a crowd on the local stack", *(_COMPARED[name] for name in _COMPARED)], rows)


_COMPARED = {"makespan": "done after", "p50": "wait, p50", "p95": "wait, p95", "p99": "wait, p99"}


def _named(each: Crowd) -> str:
    return f"{each.tasks} tasks, {each.images} images"


def _quotas() -> str:
    rows = [
        [quota["what"], f"{quota['large']:,}", f"{quota['other']:,}", quota["page"]]
        for quota in limits.quotas().values()
    ]
    return pages.table(["quota", "us-east-1, us-west-2, eu-west-1", "elsewhere", "page"], rows)


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    if seconds < 6_000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"


def _parameters() -> dict[str, Any]:
    template: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    found: dict[str, Any] = template["Parameters"]
    return found


if __name__ == "__main__":
    sys.exit(main())
