"""The load at which each quota and each hot key is exhausted, computed from what a task was recorded to use."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.data.counts import Counts
from benchmarks.data.prices import PriceList
from benchmarks.data.quotas import quotas
from benchmarks.data.recorded_calls import RecordedCalls
from benchmarks.modelling.cost.task import billed_ms
from benchmarks.modelling.scaling import slots_item
from benchmarks.modelling.waiting.stages import Stages, capacity


@dataclass(frozen=True)
class Limit:
    """Something that limits the load.

    Attributes:
        what: Its name.
        quota: How much there is a second, or at once, with its unit.
        use: How much one task takes of it.
        at: Tasks a second that exhaust it, in a large region and in another one.
        change: What to change then.
    """

    what: str
    quota: str
    use: str
    at: tuple[float, float]
    change: str


def limits(calls: RecordedCalls, stages: Stages, parameters: Mapping[str, Any], prices: PriceList) -> list[Limit]:
    """Return every limit that a task of n = 1 meets, the first to be exhausted first.

    The task comes over the API, has a ``callback_url``, and is woken by callbacks.

    Args:
        calls: The recordings.
        stages: How long a task holds its slots.
        parameters: The template's parameters, for their defaults.
        prices: For the assumed durations of what a function waits for.
    """
    listed = [
        *_of_kiln(calls, stages, parameters, prices),
        *_of_lambda(calls.of(1, by_timer=False), prices),
        *_of_workflows(calls.of(1, by_timer=False)),
        *_of_the_table(calls.of(1, by_timer=False), int(parameters["ProviderSlots"]["Default"])),
        *_of_others(calls),
    ]
    return sorted(listed, key=lambda limit: limit.at)


def _of_kiln(calls: RecordedCalls, stages: Stages, parameters: Mapping[str, Any], prices: PriceList) -> Iterator[Limit]:
    slots = int(parameters["ProviderSlots"]["Default"])
    for n in (1, 9):
        rate = capacity(stages, {n: 1}, slots)
        change = "the provider's resource pack, then `ProviderSlots`"
        use = f"{n} for {stages.holding:.0f} s"
        yield Limit(f"the provider's slots, tasks of n = {n}", f"{slots} at once", use, (rate, rate), change)
    minute = int(parameters["CallerTasksPerMinute"]["Default"])
    yield Limit(
        "a caller's tasks a minute (per caller)",
        f"{minute} a minute",
        "1",
        (minute / 60, minute / 60),
        "`CallerTasksPerMinute`, or `tasks_per_minute` of the caller",
    )
    rps, requests = int(parameters["ApiRequestsPerSecond"]["Default"]), calls.of(1, by_timer=False).api_requests
    yield Limit(
        "the API's throttle",
        f"{rps} a second",
        f"{requests}",
        (rps / requests, rps / requests),
        "`ApiRequestsPerSecond`, `ApiBurst`",
    )
    polled = requests + math.ceil((stages.holding + stages.accepting) / prices.assumed("poll_every_s"))
    yield Limit(
        "the API's throttle, if callers poll every 5 s",
        f"{rps} a second",
        f"{polled}",
        (rps / polled, rps / polled),
        "events or webhooks instead of polling",
    )
    work = calls.scenarios["drop-1-callback"].work
    # Recordings from before the inbox had its own function name Submit instead.
    drop = work.get("Inbox") or work["Submit"]
    seconds, at_once = billed_ms(drop, prices) / 1_000, 10
    yield Limit(
        "readers of the inbox (drops only)",
        f"{at_once} at once",
        f"{seconds:.2f} s",
        (at_once / seconds,) * 2,
        "`MaximumConcurrency` of the event source; messages wait in the inbox queue",
    )
    # One invocation at a time reads the records of one shard.
    start = billed_ms(calls.of(1, by_timer=False).work["Start"], prices) / 1_000
    yield Limit(
        "the table's stream into `Start` (per shard)",
        "1 at once",
        f"{start:.3f} s",
        (1 / start, 1 / start),
        "`ParallelizationFactor`; a busy table has more shards",
    )


def _of_lambda(task: Counts, prices: PriceList) -> Iterator[Limit]:
    seconds = sum(billed_ms(work, prices) for work in task.work.values()) / 1_000
    yield _limit("lambda_concurrency", "Lambda's concurrency", seconds, "ask AWS for more", unit=" s of functions")
    yield _limit(
        "lambda_new_account",
        "Lambda's concurrency in a new account",
        seconds,
        "ask AWS before going live",
        unit=" s of functions",
    )


def _of_workflows(task: Counts) -> Iterator[Limit]:
    ask = "ask AWS for more"
    executions, transitions = sum(task.executions.values()), sum(task.transitions.values())
    yield _limit("start_execution", "StartExecution", executions, ask)
    yield _limit("state_transitions", "state transitions", transitions, ask)
    wake_ups = task.requests.get("stepfunctions.SendTaskSuccess", 0)
    yield _limit("send_task", "SendTaskSuccess", wake_ups, ask)


def _of_the_table(task: Counts, slots: int) -> Iterator[Limit]:
    yield _limit(
        "partition_writes",
        f"the item of the slots, {slots} of them",
        slots_item.units_per_task(slots),
        "several stacks, each with its own provider account",
    )
    yield _limit("partition_reads", "reads of the slots' item", task.read_units.get("SLOTS", 0), "several stacks")
    yield _limit(
        "partition_writes",
        "a caller's own item (per caller)",
        task.writes_of.get("CALLER", 0),
        "split the caller in two",
    )
    for index, change in (("by_caller", "split the caller in two"), ("by_turn", "several stacks")):
        what = f"the index {index}, one key{' (per caller)' if index == 'by_caller' else ''}"
        yield _limit("partition_writes", what, task.write_units.get(index, 0), change)
    units = sum(task.write_units.values())
    yield _limit("new_table_writes", "a new table's writes", units, "warm throughput beforehand; it grows with use")
    yield _limit("table_writes", "a table's writes", units, "ask AWS for more")


def _of_others(calls: RecordedCalls) -> Iterator[Limit]:
    task, images = calls.of(1, by_timer=False), calls.of(9, by_timer=False)
    yield _limit("api_account_rps", "the account's API requests", task.api_requests, "ask AWS for more")
    yield _limit("put_events", "PutEvents", task.requests["events.PutEvents"], "ask AWS for more")
    yield _limit(
        "s3_puts",
        "S3 PUT on one prefix, n = 9",
        images.requests["s3.PutObject"],
        "nothing: S3 splits `tasks/` by itself",
    )
    reads = calls.scenarios["api-1-cold"].requests.get("secretsmanager.GetSecretValue", 0)
    yield _limit("secret_reads", "GetSecretValue, if every start were cold", reads, "nothing: cached for five minutes")


def _limit(name: str, what: str, use: float, change: str, *, unit: str = "") -> Limit:
    large, other = quotas()[name].large, quotas()[name].other
    shown = f"{large:,.0f}" if large == other else f"{large:,.0f}, elsewhere {other:,.0f}"
    return Limit(what, shown, f"{use:.3g}{unit}", (large / use, other / use), change)
