"""``python -m benchmarks.crowd``: runs a crowd on the local stack and holds the simulation's prediction against it.

The stage times are measured before and after it, on as many tasks as there are slots, so that nobody waits; the
prediction is made from those, and from when the crowd's tasks came, alone.
"""

from __future__ import annotations

import argparse
import base64
import datetime as dt
import io
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from pydantic import BaseModel

from benchmarks.simulation import Arrival, Stages, percentiles, simulate
from local.stack import TASKS_PATH, Options, Stack

FILE = Path(__file__).with_name("measured_crowds.json")
SLOTS = 9
GENERATING_S = 6.0
"""Long enough that the slots and not the local computer decide how long the crowd takes."""

CROWDS = ((60, {1: 1}), (60, {1: 3, 2: 2, 4: 1}))
_PATIENCE_S = 600.0


class Seen(BaseModel):
    """Waiting times and length of one crowd, in seconds."""

    makespan: float
    p50: float
    p95: float
    p99: float


class Crowd(BaseModel):
    """One crowd: what was predicted, and what it was.

    Attributes:
        tasks: How many came.
        images: Of all of them.
        stages: What the prediction was made from.
        predicted: By the simulation.
        measured: On the local stack.
    """

    tasks: int
    images: int
    stages: dict[str, float]
    predicted: Seen
    measured: Seen


class Measured(BaseModel):
    """What is committed."""

    measured_on: str
    slots: int
    generating_s: float
    crowds: list[Crowd]


def read(path: Path = FILE) -> Measured:
    """The committed measurement."""
    return Measured.model_validate_json(path.read_text(encoding="utf-8"))


def main() -> None:
    """Measures, and writes it down."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crowd", description=__doc__)
    parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options = Options(
            Path(folder),
            parameters={"ProviderSlots": str(SLOTS), "PollAfterSeconds": "60", "TurnCheckSeconds": "600"},
            provider_arguments=["--task-seconds", str(GENERATING_S), "--pixels", "40000"],
        )
        with Stack(options) as stack:
            crowds = [_crowd(_Bench(stack), count, mix) for count, mix in CROWDS]
    measured = Measured(
        measured_on=dt.datetime.now(dt.UTC).date().isoformat(), slots=SLOTS, generating_s=GENERATING_S, crowds=crowds
    )
    FILE.write_text(measured.model_dump_json(indent=1) + "\n", encoding="utf-8")
    for crowd in crowds:
        print(
            f"{crowd.tasks} tasks, {crowd.images} images\n  predicted {crowd.predicted}\n  measured  {crowd.measured}"
        )


def _crowd(bench: _Bench, count: int, mix: dict[int, int]) -> Crowd:
    bench.run([1] * SLOTS)  # The functions are warm from here on.
    alone = bench.run([1] * SLOTS)
    weights = [n for n, weight in mix.items() for _ in range(weight)]
    sizes = [weights[number % len(weights)] for number in range(count)]
    items = bench.run(sizes)
    stages = bench.stages([*alone, *bench.run([1] * SLOTS)])
    # When each came is the crowd's own; how long it waits is what is predicted.
    first = min(_at(item, "created_at") for item in items)
    arrivals = [Arrival(_at(item, "created_at") - first, int(item["n"]["N"])) for item in items]
    outcome = simulate(arrivals, stages, SLOTS)
    waits = [_at(item, "dispatched_at") - _at(item, "created_at") for item in items]
    return Crowd(
        tasks=count,
        images=sum(sizes),
        stages={name: round(value, 3) for name, value in vars(stages).items()},
        predicted=_seen(outcome.makespan - stages.leaving, outcome.waits),
        measured=_seen(max(_at(item, "updated_at") for item in items) - first, waits),
    )


def _seen(makespan: float, waits: list[float]) -> Seen:
    p50, p95, p99 = percentiles(waits)
    return Seen(makespan=round(makespan, 2), p50=round(p50, 2), p95=round(p95, 2), p99=round(p99, 2))


def _at(item: dict[str, Any], name: str) -> float:
    return int(item[name]["N"]) / 1_000


class _Bench:
    def __init__(self, stack: Stack) -> None:
        self._aws = stack.clients
        self._here = stack.description
        self._http = httpx.Client(
            base_url=self._here["api_url"],
            headers={"Authorization": f"Bearer {self._here['api_key']}"},
            timeout=60,
            trust_env=False,
        )
        file = io.BytesIO()
        Image.effect_noise((400, 400), 60).convert("RGB").save(file, "JPEG")
        self._image = base64.b64encode(file.getvalue()).decode()

    def run(self, sizes: Sequence[int]) -> list[dict[str, Any]]:
        """Creates tasks of these ``n`` as fast as they are taken, waits for all, and gives their items."""
        with ThreadPoolExecutor(4) as pool:
            task_ids = list(pool.map(self._create, sizes))
        return [self._ended(task_id) for task_id in task_ids]

    def stages(self, items: list[dict[str, Any]]) -> Stages:
        """How long the parts of the way took for tasks that did not have to wait: the medians."""
        steps = [self._steps(item["run_id"]["S"]) for item in items]

        def median(name: str) -> float:
            return statistics.median(each[name] for each in steps)

        to_the_provider = statistics.median(_at(item, "dispatched_at") - _at(item, "created_at") for item in items)
        at_the_end = statistics.median(_at(item, "updated_at") - _at(item, "dispatched_at") for item in items)
        return Stages(
            accepting=to_the_provider - median("Dispatch"),
            dispatching=median("Dispatch"),
            generating=GENERATING_S,
            # Both ends of it are seen: what is left of the way once generating and collecting are taken off.
            noticing=max(0.0, at_the_end - GENERATING_S - median("Collect")),
            collecting=median("Collect"),
            leaving=median("ReleaseSlot"),
            # Who is woken clears its bell and takes its slots, as who comes in does.
            waking=2 * median("TakeSlot"),
        )

    def _create(self, n: int) -> str:
        body = {"prompt": "crowd", "n": n, "subject_image_list": [{"subject_image": self._image}]}
        answer = self._http.post(TASKS_PATH, json=body)
        answer.raise_for_status()
        return str(answer.json()["data"]["task_id"])

    def _ended(self, task_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE_S
        key = {"pk": {"S": f"TASK#{task_id}"}}
        while time.monotonic() < deadline:
            item: dict[str, Any] = dict(self._aws.dynamodb.get_item(TableName=self._here["table"], Key=key)["Item"])
            if item["task_status"]["S"] == "succeed":
                return item
            if item["task_status"]["S"] == "failed":
                raise RuntimeError(f"{task_id} failed: {item.get('task_status_msg')}")
            time.sleep(0.25)
        raise TimeoutError(f"{task_id} has not ended within {_PATIENCE_S:g} s")

    def _steps(self, run_id: str) -> dict[str, float]:
        """How long a task's workflow was in each state that it has left."""
        arn = f"{self._here['state_machine_arn'].replace(':stateMachine:', ':execution:')}:{run_id}"
        deadline = time.monotonic() + _PATIENCE_S
        while self._aws.stepfunctions.describe_execution(executionArn=arn)["status"] == "RUNNING":
            if time.monotonic() > deadline:
                raise TimeoutError(f"the workflow of {run_id} has not ended within {_PATIENCE_S:g} s")
            time.sleep(0.05)
        found: dict[str, float] = {}
        entered: dict[str, float] = {}
        pages: Any = self._aws.stepfunctions.get_paginator("get_execution_history").paginate(executionArn=arn)
        for event in (event for page in pages for event in page["events"]):
            at = event["timestamp"].timestamp()
            if "stateEnteredEventDetails" in event:
                entered[event["stateEnteredEventDetails"]["name"]] = at
            elif "stateExitedEventDetails" in event:
                name = event["stateExitedEventDetails"]["name"]
                found[name] = at - entered[name]
        return found


if __name__ == "__main__":
    main()
