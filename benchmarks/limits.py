"""At what load each quota and each hot key binds, worked out from what a task was recorded to use."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.capacity import write_units
from benchmarks.counts import Counts
from benchmarks.pricing import PriceList, billed_ms
from benchmarks.recordings import Recordings
from benchmarks.simulation import Stages, capacity

FILE = Path(__file__).with_name("quotas.toml")
WORKFLOW = Path(__file__).resolve().parents[1] / "functions" / "workflow" / "task.asl.json"

SLOT_NAME_BYTES = 34
"""``<task id>#<number>``."""

SLOT_WRITES = 2
"""A task takes its slots and gives them back; meeting another in between costs one more try each time."""

_PLACEHOLDER = re.compile(r"(?<!\")\$\{\w+\}(?!\")")


@dataclass(frozen=True)
class Limit:
    """Something that binds.

    Attributes:
        what: Its name.
        quota: How much there is a second, or at once; as text, with its unit.
        use: What one task takes of it.
        binds: Tasks a second at which it is used up, in a large region and in another one.
        turn: What to turn then.
    """

    what: str
    quota: str
    use: str
    binds: tuple[float, float]
    turn: str


def quotas(path: Path = FILE) -> dict[str, dict[str, Any]]:
    """The quotas by name."""
    read: dict[str, dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["quotas"]
    return read


def limits(found: Recordings, stages: Stages, parameters: Mapping[str, Any], prices: PriceList) -> list[Limit]:
    """Every limit on the way of a task of n = 1 over the API, by callback, with a ``callback_url``: the first first.

    Args:
        found: The recordings.
        stages: How long a task holds its slots.
        parameters: The template's, for their defaults.
        prices: For what a function waits for.
    """
    listed = [
        *_of_kiln(found, stages, parameters, prices),
        *_of_lambda(found.of(1, by_timer=False), prices),
        *_of_workflows(found.of(1, by_timer=False)),
        *_of_the_table(found.of(1, by_timer=False), int(parameters["ProviderSlots"]["Default"])),
        *_of_others(found),
    ]
    return sorted(listed, key=lambda limit: limit.binds)


def _of_kiln(found: Recordings, stages: Stages, parameters: Mapping[str, Any], prices: PriceList) -> Iterator[Limit]:
    slots = int(parameters["ProviderSlots"]["Default"])
    for n in (1, 9):
        rate = capacity(stages, {n: 1}, slots)
        turn = "the provider's resource pack, then `ProviderSlots`"
        use = f"{n} for {stages.holding:.0f} s"
        yield Limit(f"the provider's slots, tasks of n = {n}", f"{slots} at once", use, (rate, rate), turn)
    minute = int(parameters["CallerTasksPerMinute"]["Default"])
    yield Limit(
        "a caller's tasks a minute (per caller)",
        f"{minute} a minute",
        "1",
        (minute / 60, minute / 60),
        "`CallerTasksPerMinute`, or `tasks_per_minute` of the caller",
    )
    rps, requests = int(parameters["ApiRequestsPerSecond"]["Default"]), found.of(1, by_timer=False).api_requests
    yield Limit(
        "the API's throttle",
        f"{rps} a second",
        f"{requests}",
        (rps / requests, rps / requests),
        "`ApiRequestsPerSecond`, `ApiBurst`",
    )
    polled = requests + math.ceil((stages.holding + stages.accepting) / prices.assumed("poll_every_s"))
    yield Limit(
        "the API's throttle, if callers ask every 5 s",
        f"{rps} a second",
        f"{polled}",
        (rps / polled, rps / polled),
        "events or webhooks instead of asking",
    )
    drop = found.scenarios["drop-1-callback"].work["Submit"]
    seconds, at_once = billed_ms(drop, prices) / 1_000, 10
    yield Limit(
        "readers of the inbox (drops only)",
        f"{at_once} at once",
        f"{seconds:.2f} s",
        (at_once / seconds,) * 2,
        "`MaximumConcurrency` of the event source; what waits, waits in the queue",
    )
    # The stream's records of one shard are taken by one invocation at a time.
    start = billed_ms(found.of(1, by_timer=False).work["Start"], prices) / 1_000
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
    yield _limit("start_execution", "StartExecution", executions, f"{ask}; no `callback_url` where events will do")
    yield _limit("state_transitions", "state transitions", transitions, f"{ask}; fewer notifications")
    bells = task.requests.get("stepfunctions.SendTaskSuccess", 0)
    yield _limit("send_task", "SendTaskSuccess", bells, ask)


def _of_the_table(task: Counts, slots: int) -> Iterator[Limit]:
    written = SLOT_WRITES * write_units(slots * SLOT_NAME_BYTES)
    yield _limit(
        "partition_writes",
        f"the item of the slots, {slots} of them",
        written,
        "several stacks, each with its own provider account",
    )
    yield _limit("partition_reads", "reads of the slots' item", task.read_units.get("SLOTS", 0), "several stacks")
    yield _limit(
        "partition_writes",
        "a caller's own item (per caller)",
        task.writes_of.get("CALLER", 0),
        "split the caller in two",
    )
    for index, turn in (("by_caller", "split the caller in two"), ("by_turn", "several stacks")):
        what = f"the index {index}, one key{' (per caller)' if index == 'by_caller' else ''}"
        yield _limit("partition_writes", what, task.write_units.get(index, 0), turn)
    units = sum(task.write_units.values())
    yield _limit("new_table_writes", "a new table's writes", units, "it grows by itself; warm throughput beforehand")
    yield _limit("table_writes", "a table's writes", units, "ask AWS for more")


def _of_others(found: Recordings) -> Iterator[Limit]:
    task, images = found.of(1, by_timer=False), found.of(9, by_timer=False)
    yield _limit("api_account_rps", "the account's API requests", task.api_requests, "ask AWS for more")
    yield _limit("put_events", "PutEvents", task.requests["events.PutEvents"], "ask AWS for more")
    yield _limit(
        "s3_puts",
        "S3 PUT on one prefix, n = 9",
        images.requests["s3.PutObject"],
        "nothing: S3 splits `tasks/` by itself",
    )
    reads = found.scenarios["api-1-cold"].requests.get("secretsmanager.GetSecretValue", 0)
    yield _limit("secret_reads", "GetSecretValue, were every start cold", reads, "nothing: kept for five minutes")


def _limit(name: str, what: str, use: float, turn: str, *, unit: str = "") -> Limit:
    quota = quotas()[name]
    large, other = float(quota["large"]), float(quota["other"])
    shown = f"{large:,.0f}" if large == other else f"{large:,.0f}, elsewhere {other:,.0f}"
    return Limit(what, shown, f"{use:.3g}{unit}", (large / use, other / use), turn)


def slots_that_bind(stages: Stages) -> int:
    """So many slots, and their one item takes a partition's writes when all of them are busy with tasks of n = 1."""
    most = float(quotas()["partition_writes"]["large"])
    slots = 1
    while capacity(stages, {1: 1}, slots) * SLOT_WRITES * write_units(slots * SLOT_NAME_BYTES) < most:
        slots += 1
    return slots


def events_of(path: Sequence[str], states: Mapping[str, Any]) -> int:
    """History events of one way through some states, as Step Functions writes them."""
    return sum(_events_of_state(states[name]) for name in path)


def _events_of_state(state: Mapping[str, Any]) -> int:
    if state["Type"] != "Task":
        return 2  # Entered, left.
    # Entered, scheduled, started, ended, left; and submitted, where a token is waited for.
    return 6 if state["Resource"].endswith(".waitForTaskToken") else 5


def states(path: Path = WORKFLOW) -> dict[str, Any]:
    """The states of the task's workflow."""
    text = _PLACEHOLDER.sub("1", path.read_text(encoding="utf-8"))
    found: dict[str, Any] = json.loads(text)["States"]
    return found


POLLING = ("AwaitCallback", "Poll", "Polled")
"""One wake-up that finds the provider still at it."""

TURNING = ("AwaitTurn", "TendLine", "HearBell", "Heard", "TakeSlot")
"""One look of a waiting task for itself."""


def seconds_of_history(path: Sequence[str], every_s: float, used: int) -> float:
    """How long an execution can go round before its history is full.

    Args:
        path: One round.
        every_s: Seconds of a round.
        used: Events that the rest of its way takes.
    """
    rounds = (int(quotas()["history_events"]["large"]) - used) // events_of(path, states())
    return rounds * every_s
