"""A crowd of jobs dropped at once, watched while it is served: slots, line, processes, calls and transitions."""

from __future__ import annotations

import math
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from local.__main__ import start_submit
from tests.chaos.stacks import ChaosDeployment, client_of
from tests.integration.client import TERMINAL, JsonObject, picture, wait_until

PATIENCE_S = 3_600.0
FEW = 5
"""Tasks of a second caller, created while the crowd waits in the queue."""


@dataclass
class Burst:
    """Observations of a crowd.

    Attributes:
        tasks: The items of all its tasks, in the order in which the provider got them.
        few: The ids of the second caller's tasks.
        started: When the workflow of each of the few started, in milliseconds since the epoch.
        refused: How often the provider refused because it was full or called too often.
        held: Samples of the number of held slots while tasks waited.
        processes: The most processes of the local AWS.
        megabytes: The most memory of all of them.
        calls: To AWS and the provider from the functions, per task.
        transitions: States entered by a task's workflow, one number per task.
        full_at: When a task first found no free slot and began to wait, in milliseconds since the epoch.
    """

    tasks: list[JsonObject] = field(default_factory=list)
    few: set[str] = field(default_factory=set)
    started: dict[str, float] = field(default_factory=dict)
    refused: int = 0
    held: list[int] = field(default_factory=list)
    processes: int = 0
    megabytes: int = 0
    calls: float = 0.0
    transitions: list[int] = field(default_factory=list)
    full_at: float = math.inf

    def places_of_few(self) -> list[int]:
        """How many of the crowd came to the provider between the start of each of the few's workflows and its turn."""
        crowd = [task["dispatched_at"] for task in self.tasks if task["task_id"] not in self.few]
        few = [task for task in self.tasks if task["task_id"] in self.few]
        return [sum(self.started[each["task_id"]] <= at < each["dispatched_at"] for at in crowd) for each in few]

    def unqueued(self) -> int:
        """How many of the crowd found a free slot before any task had to wait."""
        return sum(task["task_id"] not in self.few and not self._has_turn(task) for task in self.tasks)

    def displacements(self) -> list[int]:
        """How far each task of the crowd was served from its turn, without those that found a free slot.

        While slots are free, the task whose function starts first gets one (docs/adr/0151).
        """
        crowd = [task for task in self.tasks if task["task_id"] not in self.few and self._has_turn(task)]
        turns = {task["task_id"]: turn for turn, task in enumerate(sorted(crowd, key=lambda task: task["sequence"]))}
        return [abs(turns[task["task_id"]] - place) for place, task in enumerate(crowd)]

    def _has_turn(self, task: JsonObject) -> bool:
        return bool(task["slots_acquired_at"] >= self.full_at)

    def transitions_per_task(self) -> float:
        return sum(self.transitions) / len(self.transitions)

    def summary(self, slots: int) -> str:
        """The observations in one line, for the test's output."""
        overtaken = max(self.places_of_few(), default=0)
        used = sum(self.held) / (slots * len(self.held)) if self.held else 1.0
        return (
            f"{len(self.tasks)} tasks: {self.refused} refused, slots {used:.0%} held while someone waited "
            f"({len(self.held)} samples), {overtaken} of the crowd before the last of the few, "
            f"{self.unqueued()} found a free slot, the others at most {max(self.displacements(), default=0)} from "
            f"their turns, {self.calls:.1f} calls, "
            f"{self.transitions_per_task():.1f} transitions a task (most {max(self.transitions)}), "
            f"{self.processes} processes, {self.megabytes} MB"
        )


def drop_at_once(kiln: ChaosDeployment, name: str, count: int) -> Burst:
    """Drops a crowd of single images, lets another caller create a few tasks behind it, waits for the end."""
    burst = Burst()
    start_submit(kiln.here)  # As ``make up`` does.
    before = kiln.stats()["refused"]
    lines_before = sum(1 for _ in kiln.injector.calls())
    crowd = count - FEW
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: kiln.drop(f"{name}-{number:04}.png", picture()), range(crowd)))
    wait_until(lambda: len(_tasks(kiln, name)) >= crowd // 2, "half of the crowd is accepted", timeout=PATIENCE_S)
    with client_of(kiln) as client:
        burst.few = {client.create(prompt=f"few of {name}") for _ in range(FEW)}

    def all_ended() -> bool:
        _sample(kiln, burst)
        tasks = [*_tasks(kiln, name), *(kiln.item(task_id) for task_id in burst.few)]
        burst.tasks = sorted(tasks, key=lambda task: task.get("dispatched_at", 0))
        return len(tasks) == count and all(task["task_status"] in TERMINAL for task in tasks)

    wait_until(all_ended, "the crowd is served", timeout=PATIENCE_S)
    for task in burst.tasks:
        kiln.wait_for_end(task["task_id"])
    burst.refused = kiln.stats()["refused"] - before
    made = sum(call["call"] != "return" and call["function"] != "Query" for call in kiln.injector.calls())
    burst.calls = (made - lines_before) / count
    entered = {task["task_id"]: _entered(kiln, task["task_id"]) for task in burst.tasks}
    burst.transitions = list(map(len, entered.values()))
    burst.started = {task_id: entered[task_id][0][1] for task_id in burst.few}
    waits = (at for states in entered.values() for state, at in states if state == "AwaitTurn")
    burst.full_at = min(waits, default=math.inf)
    return burst


def assert_served(kiln: ChaosDeployment, burst: Burst, slots: int) -> None:
    """Every task was served once, in fair turn, and no slot stays held."""
    assert {task["task_status"] for task in burst.tasks} == {"succeed"}
    made = kiln.stats()["by_external_id"]
    assert [made.get(task["run_id"]) for task in burst.tasks] == [1] * len(burst.tasks)
    # A leaked slot stays held; the slot of an earlier task is released soon.
    wait_until(lambda: not kiln.holders(), "no slot is held any more")
    assert burst.refused <= 5
    # Turns alternate between the callers, and tasks with slots come before them. The stream starts workflows in the
    # order of acceptance, so theirs start behind those of the crowd (docs/scaling.md).
    assert max(burst.places_of_few()) <= FEW + 6 * slots
    assert max(burst.displacements(), default=0) <= 3 * slots
    # Hardly a task of a short crowd waits, and much of its time may be the start of the functions.
    if len(burst.tasks) >= 100 and burst.held:
        assert sum(burst.held) >= 0.8 * slots * len(burst.held)
    assert kiln.unfinished() == []


def _tasks(kiln: ChaosDeployment, name: str) -> list[JsonObject]:
    """The crowd's tasks, as the operator sees them in the table."""
    pages = kiln.aws.dynamodb.get_paginator("scan").paginate(
        TableName=kiln.here["table"],
        FilterExpression="begins_with(origin.folder, :name)",
        ExpressionAttributeValues={":name": {"S": f"{name}-"}},
        ProjectionExpression="task_id, run_id, task_status, dispatched_at, slots_acquired_at, #sequence, queue",
        ExpressionAttributeNames={"#sequence": "sequence"},
    )
    plain = kiln._deserializer.deserialize
    return [{key: plain(value) for key, value in item.items()} for page in pages for item in page["Items"]]


def _sample(kiln: ChaosDeployment, burst: Burst) -> None:
    waiting = kiln.aws.dynamodb.query(
        TableName=kiln.here["table"],
        IndexName="by_turn",
        KeyConditionExpression="queue = :waiting",
        ExpressionAttributeValues={":waiting": {"S": "waiting"}},
        Select="COUNT",
    )["Count"]
    held = len(kiln.holders())
    # Some waiting tasks have been handed their slots already: only the others really wait.
    if waiting > held:
        burst.held.append(held)
    processes, megabytes = footprint(kiln)
    burst.processes = max(burst.processes, processes)
    burst.megabytes = max(burst.megabytes, megabytes)


def footprint(kiln: ChaosDeployment) -> tuple[int, int]:
    """How many processes the local AWS consists of, and how many megabytes they have in memory."""
    group = str(os.getpgid(kiln.stack.aws._child._process.pid))
    listed = subprocess.run(["ps", "-A", "-o", "pgid=,rss="], check=True, capture_output=True, text=True).stdout
    sizes = [int(line.split()[1]) for line in listed.splitlines() if line.split()[0] == group]
    return len(sizes), sum(sizes) // 1024


def _entered(kiln: ChaosDeployment, task_id: str) -> list[tuple[str, float]]:
    """The states that a task's workflow entered, and when, in milliseconds since the epoch."""
    pages: Any = kiln.aws.stepfunctions.get_paginator("get_execution_history").paginate(
        executionArn=kiln.execution_arn(task_id)
    )
    return [
        (event["stateEnteredEventDetails"]["name"], event["timestamp"].timestamp() * 1_000)
        for page in pages
        for event in page["events"]
        if "stateEnteredEventDetails" in event
    ]
