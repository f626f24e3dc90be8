"""The tables of docs/scaling.md."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from benchmarks import ROOT
from benchmarks.data.measured_crowds import Crowd, MeasuredCrowds
from benchmarks.data.prices import PriceList
from benchmarks.data.quotas import quotas
from benchmarks.data.recorded_calls import RecordedCalls
from benchmarks.modelling.scaling import history, slots_item
from benchmarks.modelling.scaling.limits import limits
from benchmarks.modelling.waiting.arrivals import Arrival, burst, poisson
from benchmarks.modelling.waiting.simulation import percentiles, simulate
from benchmarks.modelling.waiting.stages import Stages, capacity
from benchmarks.reporting import pages
from benchmarks.workflow import POLLING_ROUND

PAGE = "scaling.md"

STAGES = Stages(spread=0.3)
"""Of a deployed stack: 24 s of generation as once observed; the rest is estimated."""

MIXES = {"1": {1: 1}, "1 to 4": {1: 3, 2: 2, 4: 1}}
SLOTS = (9, 20, 100)
LOADS = (0.5, 0.8, 0.95)
BURSTS = (100, 1_000, 10_000)
ACCOUNTS = (1, 2, 4)
LEAST_OF_LINEAR = 0.95
"""So much of as many times the throughput several accounts must reach."""
TASKS = 1_500
SEED = 20_261


def tables(calls: RecordedCalls, crowds: MeasuredCrowds) -> dict[str, str]:
    """Return every table of the page, by name."""
    parameters = template_parameters()
    return {
        "limits": _limits(calls, parameters),
        "slots-item": _slots_item(),
        "history": _history(calls, parameters),
        "steady": _steady(),
        "bursts": _bursts(),
        "accounts": _accounts(),
        "check": _check(crowds),
        "quotas": _quotas(),
    }


def _limits(calls: RecordedCalls, parameters: dict[str, Any]) -> str:
    listed = limits(calls, STAGES, parameters, PriceList())
    rows = [[each.what, each.quota, each.use, _rate(each.at[0]), _rate(each.at[1]), each.change] for each in listed]
    heads = ["limit", "quota", "a task takes", "at tasks/s, us-east-1", "at tasks/s, elsewhere", "what to change"]
    return pages.table(heads, rows)


def _rate(tasks: float) -> str:
    return f"{tasks:,.0f}" if tasks >= 20 else f"{tasks:.2g}"


def _slots_item() -> str:
    most = slots_item.slots_that_exhaust_it(STAGES)
    rows = []
    for slots in (9, 100, 500, most, 1_000):
        units, size = slots_item.units_per_task(slots), slots * slots_item.SLOT_NAME_BYTES
        rate = capacity(STAGES, {1: 1}, slots)
        rows.append([f"{slots:,}", f"{size:,}", str(units), f"{rate:.1f}", f"{rate * units:,.0f}"])
    heads = ["`ProviderSlots`", "bytes when all are held", "write units a task", "tasks/s they serve", "write units/s"]
    return pages.table(heads, rows)


def _history(calls: RecordedCalls, parameters: dict[str, Any]) -> str:
    used = calls.of(1, by_timer=False).history_events["task"]
    rows = []
    for what, path, name, seconds in (
        ("polling a provider that is still generating", POLLING_ROUND, "PollAfterSeconds", (1, 5, 30, 60)),
    ):
        default = int(parameters[name]["Default"])
        for every in seconds:
            full = history.seconds_until_full(path, every, used)
            shown = f"`{name}={every}`{' (default)' if every == default else ''}"
            rows.append([what, shown, str(history.events_of(path)), _time(full)])
    return pages.table(["an execution repeats", "every", "events a round", "its history is full after"], rows)


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


def _accounts() -> str:
    rows = []
    for name, mix in MIXES.items():
        one = 0.0
        for count in ACCOUNTS:
            arrivals = burst(BURSTS[1] * count, mix, seed=SEED)
            outcome = simulate(arrivals, STAGES, SLOTS[0], seed=SEED, accounts=count)
            rate = BURSTS[1] * count / outcome.makespan
            one = one or rate
            share = rate / (one * count)
            if share < LEAST_OF_LINEAR:
                raise ValueError(
                    f"{count} accounts: expected at least {LEAST_OF_LINEAR:.0%} of {count} times the tasks, got "
                    f"{share:.0%}; check the hand-over in kiln.slots"
                )
            rows.append([name, str(count), f"{rate * 3_600:,.0f}", f"{share:.0%}"])
    heads = ["n", "accounts of 9 slots", "tasks an hour", "of as many times one account"]
    return pages.table(heads, rows)


def _waits(arrivals: Iterable[Arrival], slots: int) -> str:
    outcome = simulate(arrivals, STAGES, slots, seed=SEED)
    return " / ".join(_time(value) for value in percentiles(outcome.waits))


def _check(crowds: MeasuredCrowds) -> str:
    rows = []
    for each in crowds.crowds:
        pairs = [(name, getattr(each.predicted, name), getattr(each.measured, name)) for name in _COMPARED]
        cells = [f"{predicted:.1f} s / {seen:.1f} s ({predicted / seen - 1:+.0%})" for _, predicted, seen in pairs]
        rows.append([_named(each), *cells])
    return pages.table(["a crowd on the local stack", *(_COMPARED[name] for name in _COMPARED)], rows)


_COMPARED = {"makespan": "done after", "p50": "wait, p50", "p95": "wait, p95", "p99": "wait, p99"}


def _named(each: Crowd) -> str:
    return f"{each.tasks} tasks, {each.images} images"


def _quotas() -> str:
    rows = [[quota.what, f"{quota.large:,}", f"{quota.other:,}", quota.page] for quota in quotas().values()]
    return pages.table(["quota", "us-east-1, us-west-2, eu-west-1", "elsewhere", "page"], rows)


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    if seconds < 6_000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"


def template_parameters() -> dict[str, Any]:
    """Return the parameters of the template by name."""
    template: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    parameters: dict[str, Any] = template["Parameters"]
    return parameters
