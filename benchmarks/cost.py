"""``python -m benchmarks.cost``: writes the tables of docs/cost.md; ``--record`` runs the tasks anew first."""

from __future__ import annotations

import argparse
import bisect
import sys
from functools import cache, partial
from pathlib import Path
from typing import Any

from rich.console import Console
from samtranslator.yaml_helper import yaml_parse

from benchmarks import pages, recordings
from benchmarks.alternatives import alternatives
from benchmarks.counts import Counts
from benchmarks.pricing import PriceList, cold_start_cost, cost_of, gb_seconds, kept_a_month, metrics_month, standing
from benchmarks.recordings import Recordings
from kiln import metrics

ROOT = Path(__file__).resolve().parents[1]
PAGE = "cost.md"

MONTHLY_TASKS = (100, 10_000, 1_000_000)
MAIN = [(1, False), (1, True), (9, False), (9, True)]


def main() -> int:
    """Writes or checks the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__)
    parser.add_argument("--record", action="store_true", help="run the recorded tasks anew on a local stack")
    parser.add_argument("--check", action="store_true", help="write nothing; say whether the page is current")
    arguments = parser.parse_args()
    console = Console(stderr=True, highlight=False)
    if arguments.record:
        recordings.renew(lambda name: console.print(f"recording {name} …"))
    written = tables(recordings.read())
    if arguments.check:
        if pages.is_current(PAGE, written):
            return 0
        console.print(f"docs/{PAGE} is not what the script writes: make cost")
        return 1
    pages.write(PAGE, written)
    for name, text in written.items():
        print(f"{name}\n{text}\n")
    return 0


def tables(found: Recordings) -> dict[str, str]:
    """Every table of the page."""
    us = PriceList("us")
    return {
        "recording": f"Recorded on {found.recorded_on} ({found.machine}); prices written down on {us.written_down}.",
        "used": _used(found, us),
        "per-thousand": _per_thousand(found, us),
        "regions": _regions(found),
        "more": _more(found, us),
        "kept": _kept(found, us),
        "standing": _standing(found, us),
        "alternatives": _alternatives(found),
        "even": _even(found),
        "assumptions": _assumptions(us),
        "prices": _prices(us),
    }


def per_task(counts: Counts, prices: PriceList) -> float:
    """Dollars of one task whose input the provider reads from S3 once."""
    return sum(cost_of(counts, prices, inputs=1).values())


def monthly(tasks: int, found: Recordings, prices: PriceList, *, watched: bool) -> float:
    """Dollars of a month with so many tasks of n = 1, by callback.

    Args:
        tasks: How many.
        found: The recordings.
        prices: The prices.
        watched: With dashboard, alarms and metrics.
    """
    usual = found.of(1, by_timer=False)
    stands = sum(each.monthly for each in standing(_template(), prices) if watched or not each.is_watching)
    metrics_written = metrics_month(len(usual.metrics), tasks, prices) if watched else 0.0
    return stands + metrics_written + tasks * per_task(usual, prices)


def _heads(first: str) -> list[str]:
    return [first, *(f"n = {n}, by {'timer' if by_timer else 'callback'}" for n, by_timer in MAIN)]


def _used(found: Recordings, prices: PriceList) -> str:
    runs = [found.of(n, by_timer=by_timer) for n, by_timer in MAIN]
    lines: list[tuple[str, list[str]]] = [
        ("API Gateway requests (the creation, the provider's callbacks)", [str(run.api_requests) for run in runs]),
        ("Lambda invocations", [str(sum(w.invocations for w in run.work.values())) for run in runs]),
        ("Lambda GB-seconds", [f"{gb_seconds(run, prices):.2f}" for run in runs]),
        ("state transitions, the task's workflow", [str(run.transitions["task"]) for run in runs]),
        ("state transitions, notifications", [str(run.transitions["notification"]) for run in runs]),
        ("DynamoDB write units, table", [str(run.write_units["table"]) for run in runs]),
        ("DynamoDB write units, index by_caller", [str(run.write_units["by_caller"]) for run in runs]),
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


def _per_thousand(found: Recordings, prices: PriceList) -> str:
    costs = [cost_of(found.of(n, by_timer=by_timer), prices, inputs=1) for n, by_timer in MAIN]
    rows = [[service, *(pages.dollars(1_000 * cost[service]) for cost in costs)] for service in costs[0]]
    totals = [1_000 * sum(cost.values()) for cost in costs]
    rows.append(["**Kiln in all**", *(f"**{pages.dollars(total)}**" for total in totals)])
    paid = [1_000 * n * prices.assumed("provider_per_image") for n, _ in MAIN]
    rows.append(["the provider, for the same", *(pages.dollars(amount) for amount in paid)])
    rows.append(["Kiln's share of both", *(f"{t / (t + p):.1%}" for t, p in zip(totals, paid, strict=True))])
    return pages.table(_heads("US$ per 1,000 tasks, us-east-1"), rows)


def _regions(found: Recordings) -> str:
    rows = []
    for region in ("us", "sg"):
        prices = PriceList(region)
        totals = [1_000 * per_task(found.of(n, by_timer=by_timer), prices) for n, by_timer in MAIN]
        rows.append([prices.regions[region], *map(pages.dollars, totals)])
    return pages.table(_heads("US$ per 1,000 tasks"), rows)


def _more(found: Recordings, prices: PriceList) -> str:
    def thousand(counts: Counts, *, inputs: int = 1, downloads: int = 0) -> float:
        return 1_000 * sum(cost_of(counts, prices, inputs=inputs, downloads=downloads).values())

    usual = thousand(found.of(1, by_timer=False))
    scenarios = found.scenarios
    differences = {
        "has no `callback_url`": thousand(scenarios["api-1-no-webhook"]) - usual,
        "is dropped into the inbox instead, and told once, by `result.json`": thousand(scenarios["drop-1-callback"])
        - usual,
        "has to stand in line first": thousand(found.waiting, inputs=0),
        "finds every function cold": 1_000
        * cold_start_cost(scenarios["api-1-cold"], found.of(1, by_timer=False), prices),
        "its caller asks for once (`GET …/{id}`)": thousand(scenarios["query"], inputs=0),
        "has its image downloaded once by its link": thousand(scenarios["download"], inputs=0, downloads=1),
    }
    rows = [[what, f"{'+' if amount > 0 else '−'}{pages.dollars(abs(amount))}"] for what, amount in differences.items()]
    return pages.table(["a task of n = 1, by callback, that …", "US$ per 1,000"], rows)


def _kept(found: Recordings, prices: PriceList) -> str:
    kept = [kept_a_month(found.of(n, by_timer=False), n, prices) for n in (1, 9)]
    rows = [[what, *(pages.dollars(1_000 * each[what]) for each in kept)] for what in kept[0]]
    return pages.table(["US$ a month for keeping 1,000 tasks", "n = 1", "n = 9"], rows)


def _standing(found: Recordings, prices: PriceList) -> str:
    written = len(found.of(1, by_timer=False).metrics)
    rows = [[each.what, str(each.number), pages.dollars(each.monthly)] for each in standing(_template(), prices)]
    month = prices.of("metric_month")
    rows.append(
        ["custom metrics of healthy tasks, if some run in every hour", str(written), pages.dollars(written * month)]
    )
    every = custom_metrics()
    rows.append(
        ["custom metrics, if every one of them is written in every hour", str(every), pages.dollars(every * month)]
    )
    return pages.table(["stands there", "how many", "US$ a month"], rows)


def _alternatives(found: Recordings) -> str:
    rows = []
    for region in ("us", "sg"):
        prices = PriceList(region)
        for tasks in MONTHLY_TASKS:
            others = alternatives(tasks, prices)
            own = [monthly(tasks, found, prices, watched=watched) for watched in (False, True)]
            cells = [pages.dollars(amount) for amount in (*own, *(other.monthly for other in others))]
            rows.append([f"{prices.regions[region]}, {tasks:,}", *cells, str(others[0].workers)])
    heads = [other.name for other in alternatives(1, PriceList("us"))]
    return pages.table(["US$ a month, tasks of n = 1", "Kiln", "Kiln, watched", *heads, "workers on Fargate"], rows)


def _even(found: Recordings) -> str:
    """From how many tasks a month on Kiln costs more than each alternative."""
    names = [other.name for other in alternatives(1, PriceList("us"))]
    rows = []
    for place, name in enumerate(names):
        cells = []
        for region in ("us", "sg"):
            prices = PriceList(region)
            dearer = range(100, 1_000_000, 100)
            first = bisect.bisect_left(dearer, True, key=partial(_is_dearer, place, found, prices))
            cells.append(f"{dearer[first]:,}")
        rows.append([name, *cells])
    return pages.table(["Kiln costs more than …, from so many tasks a month on", *PriceList().regions.values()], rows)


def _is_dearer(place: int, found: Recordings, prices: PriceList, tasks: int) -> bool:
    return monthly(tasks, found, prices, watched=False) > alternatives(tasks, prices)[place].monthly


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
    """An amount without an exponent, and without zeros that say nothing."""
    text = f"{amount:.10f}".rstrip("0")
    return f"{text}00"[: text.index(".") + 3] if len(text) - text.index(".") < 3 else text


def custom_metrics() -> int:
    """How many metrics the functions may write: one for each value of a metric's own dimension."""
    return sum(len(metric.values) or 1 for metric in metrics.ALL)


@cache
def _template() -> dict[str, Any]:
    template: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    return template


if __name__ == "__main__":
    sys.exit(main())
