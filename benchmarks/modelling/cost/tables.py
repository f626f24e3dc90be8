"""The tables of docs/cost.md."""

from __future__ import annotations

import bisect
from functools import partial

from benchmarks.data.counts import Counts
from benchmarks.data.prices import PriceList
from benchmarks.data.recorded_calls import RecordedCalls
from benchmarks.modelling.cost.alternatives import alternatives
from benchmarks.modelling.cost.month import custom_metrics, fixed_costs, monthly, resources
from benchmarks.modelling.cost.task import cold_start_cost, cost_of, gb_seconds, per_task, stored_a_month
from benchmarks.modelling.cost.waiting import waiting_cost
from benchmarks.reporting import pages

PAGE = "cost.md"

MONTHLY_TASKS = (100, 10_000, 1_000_000)
WAITS = ((1_000, 12), (1_000, 60), (10_000, 60))
"""How many tasks wait, and how many hours."""

MAIN = [(1, False), (1, True), (9, False), (9, True)]
"""The main scenarios: ``n``, and whether the timer wakes the workflow instead of a callback."""


def tables(calls: RecordedCalls) -> dict[str, str]:
    """Return every table of the page, by name."""
    us = PriceList("us")
    return {
        "recording": f"Recorded on {calls.recorded_on} ({calls.machine}); prices written down on {us.written_down}.",
        "used": _used(calls, us),
        "per-thousand": _per_thousand(calls, us),
        "regions": _regions(calls),
        "more": _more(calls, us),
        "stored": _stored(calls, us),
        "waiting": _waiting(calls, us),
        "fixed": _fixed(calls, us),
        "alternatives": _alternatives(calls),
        "break-even": _break_even(calls),
        "assumptions": _assumptions(us),
        "prices": _prices(us),
    }


def _heads(first: str) -> list[str]:
    return [first, *(f"n = {n}, by {'timer' if by_timer else 'callback'}" for n, by_timer in MAIN)]


def _used(calls: RecordedCalls, prices: PriceList) -> str:
    runs = [calls.of(n, by_timer=by_timer) for n, by_timer in MAIN]
    lines: list[tuple[str, list[str]]] = [
        ("API Gateway requests (the creation, the provider's callbacks)", [str(run.api_requests) for run in runs]),
        ("Lambda invocations", [str(run.invocations) for run in runs]),
        ("Lambda GB-seconds", [f"{gb_seconds(run, prices):.2f}" for run in runs]),
        ("state transitions, the task's workflow", [str(run.transitions["task"]) for run in runs]),
        ("state transitions, notifications", [str(run.transitions.get("notification", 0)) for run in runs]),
        ("DynamoDB write units, table", [str(run.write_units["table"]) for run in runs]),
        ("DynamoDB write units, index by_caller", [str(run.write_units["by_caller"]) for run in runs]),
        ("DynamoDB write units, index by_status", [str(run.write_units["by_status"]) for run in runs]),
        ("DynamoDB write units, index by_turn", [str(run.write_units["by_turn"]) for run in runs]),
        ("DynamoDB read units", [f"{sum(run.read_units.values()):g}" for run in runs]),
        ("S3 PUT", [str(run.requests.get("s3.PutObject", 0)) for run in runs]),
        ("S3 GET (the provider reads the input)", ["1" for _ in runs]),
        ("EventBridge events", [str(run.requests.get("events.PutEvents", 0)) for run in runs]),
        ("requests to AWS in all", [str(run.aws_requests) for run in runs]),
        ("requests to the provider", [str(run.http.get("provider", 0)) for run in runs]),
        ("deliveries to the caller's callback_url", [str(run.http.get("webhook", 0)) for run in runs]),
        ("CloudWatch Logs, bytes", [f"{run.log_bytes:,}" for run in runs]),
    ]
    return pages.table(_heads("a task uses"), ([name, *cells] for name, cells in lines))


def _per_thousand(calls: RecordedCalls, prices: PriceList) -> str:
    costs = [cost_of(calls.of(n, by_timer=by_timer), prices, inputs=1) for n, by_timer in MAIN]
    rows = [[service, *(pages.dollars(1_000 * cost[service]) for cost in costs)] for service in costs[0]]
    totals = [1_000 * sum(cost.values()) for cost in costs]
    rows.append(["**Kiln in all**", *(f"**{pages.dollars(total)}**" for total in totals)])
    paid = [1_000 * n * prices.assumed("provider_per_image") for n, _ in MAIN]
    rows.append(["the provider, for the same", *(pages.dollars(amount) for amount in paid)])
    rows.append(["Kiln's share of both", *(f"{t / (t + p):.1%}" for t, p in zip(totals, paid, strict=True))])
    return pages.table(_heads("US$ per 1,000 tasks, us-east-1"), rows)


def _regions(calls: RecordedCalls) -> str:
    rows = []
    for region in ("us", "sg"):
        prices = PriceList(region)
        totals = [1_000 * per_task(calls.of(n, by_timer=by_timer), prices) for n, by_timer in MAIN]
        rows.append([prices.regions[region], *map(pages.dollars, totals)])
    return pages.table(_heads("US$ per 1,000 tasks"), rows)


def _more(calls: RecordedCalls, prices: PriceList) -> str:
    def thousand(counts: Counts, *, inputs: int = 1, downloads: int = 0) -> float:
        return 1_000 * sum(cost_of(counts, prices, inputs=inputs, downloads=downloads).values())

    usual = thousand(calls.of(1, by_timer=False))
    scenarios = calls.scenarios
    differences = {
        "has no `callback_url`": thousand(scenarios["api-1-no-webhook"]) - usual,
        "is dropped into the inbox instead, and notifies once, by `result.json`": thousand(scenarios["drop-1-callback"])
        - usual,
        "has to wait in the queue first": thousand(calls.waiting, inputs=0),
        "finds every function cold": 1_000
        * cold_start_cost(scenarios["api-1-cold"], calls.of(1, by_timer=False), prices),
        "its caller queries once (`GET …/{id}`)": thousand(scenarios["query"], inputs=0),
        "has its image downloaded once by its link": thousand(scenarios["download"], inputs=0, downloads=1),
    }
    rows = [[what, f"{'+' if amount > 0 else '−'}{pages.dollars(abs(amount))}"] for what, amount in differences.items()]
    return pages.table(["a task of n = 1, by callback, that …", "US$ per 1,000"], rows)


def _stored(calls: RecordedCalls, prices: PriceList) -> str:
    stored = [stored_a_month(calls.of(n, by_timer=False), n, prices) for n in (1, 9)]
    rows = [[what, *(pages.dollars(1_000 * each[what]) for each in stored)] for what in stored[0]]
    return pages.table(["US$ a month for storing 1,000 tasks", "n = 1", "n = 9"], rows)


def _waiting(calls: RecordedCalls, prices: PriceList) -> str:
    rows = []
    for tasks, hours in WAITS:
        cost = waiting_cost(tasks, hours, calls, prices)
        cells = [cost.reconciler, cost.tasks, cost.reconciler + cost.tasks]
        rows.append([f"{tasks:,} tasks for {hours} h", *map(pages.dollars, cells)])
    return pages.table(["US$ for waiting", "the reconciler", "the tasks' daily look", "in all"], rows)


def _fixed(calls: RecordedCalls, prices: PriceList) -> str:
    written = len(calls.of(1, by_timer=False).metrics)
    rows = [[each.what, str(each.number), pages.dollars(each.monthly)] for each in fixed_costs(resources(), prices)]
    month = prices.of("metric_month")
    rows.append(
        ["custom metrics of healthy tasks, if some run in every hour", str(written), pages.dollars(written * month)]
    )
    every = custom_metrics()
    rows.append(
        ["custom metrics, if every one of them is written in every hour", str(every), pages.dollars(every * month)]
    )
    return pages.table(["charged every month", "how many", "US$ a month"], rows)


def _alternatives(calls: RecordedCalls) -> str:
    rows = []
    for region in ("us", "sg"):
        prices = PriceList(region)
        for tasks in MONTHLY_TASKS:
            others = alternatives(tasks, prices)
            own = [monthly(tasks, calls, prices, monitored=monitored) for monitored in (False, True)]
            cells = [pages.dollars(amount) for amount in (*own, *(other.monthly for other in others))]
            rows.append([f"{prices.regions[region]}, {tasks:,}", *cells, str(others[0].workers)])
    heads = [other.name for other in alternatives(1, PriceList("us"))]
    own_heads = ["US$ a month, tasks of n = 1", "Kiln", "Kiln with monitoring"]
    return pages.table([*own_heads, *heads, "workers on Fargate"], rows)


def _break_even(calls: RecordedCalls) -> str:
    """The number of tasks a month from which Kiln costs more than each alternative."""
    names = [other.name for other in alternatives(1, PriceList("us"))]
    rows = []
    for position, name in enumerate(names):
        cells = []
        for region in ("us", "sg"):
            prices = PriceList(region)
            candidates = range(100, 1_000_000, 100)
            first = bisect.bisect_left(candidates, True, key=partial(_is_dearer, position, calls, prices))
            cells.append(f"{candidates[first]:,}")
        rows.append([name, *cells])
    return pages.table(["Kiln costs more than …, from this many tasks a month", *PriceList().regions.values()], rows)


def _is_dearer(position: int, calls: RecordedCalls, prices: PriceList, tasks: int) -> bool:
    return monthly(tasks, calls, prices, monitored=False) > alternatives(tasks, prices)[position].monthly


def _assumptions(prices: PriceList) -> str:
    rows = ([each.what, f"`{name}`", f"{each.value:g}"] for name, each in prices.assumptions.items())
    return pages.table(["assumed", "in prices.toml", "value"], rows)


def _prices(prices: PriceList) -> str:
    rows = [
        [f"`{name}`", line.unit, *(_plain(line.amounts[region]) for region in prices.regions), line.page]
        for name, line in prices.lines.items()
    ]
    heads = ["price", "US$ per", *prices.regions.values(), "page"]
    return pages.table(heads, rows)


def _plain(amount: float) -> str:
    """An amount without an exponent and without trailing zeros beyond cents."""
    digits = f"{amount:.10f}".rstrip("0")
    return f"{digits}00"[: digits.index(".") + 3] if len(digits) - digits.index(".") < 3 else digits
