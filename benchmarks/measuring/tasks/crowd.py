"""``python -m benchmarks.measuring.tasks.crowd``: a crowd of tasks on the local stack, beside its simulation.

The stage times are measured before and after the crowd, on as many tasks as there are slots, so that no task waits. The
prediction is made only from those times and from when the crowd's tasks were created.
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.data.measured_crowds import Crowd, MeasuredCrowds, Waits
from benchmarks.measuring.local_stack import StackClient, wait_until
from benchmarks.measuring.sample_images import base64_of, jpeg_of_noise
from benchmarks.modelling.waiting.arrivals import Arrival
from benchmarks.modelling.waiting.simulation import percentiles, simulate
from benchmarks.modelling.waiting.stages import Stages
from benchmarks.workflow import COLLECT, DISPATCH
from local.stack import Options, Stack

SLOTS = 9
GENERATING_S = 6.0
"""Long enough that the slots, and not the local computer, decide how long the crowd takes."""

CROWDS = ((60, {1: 1}), (60, {1: 3, 2: 2, 4: 1}))
_PATIENCE_S = 600.0


def main() -> None:
    """Measure the crowds, and write the result to ``measured_crowds.json``."""
    argparse.ArgumentParser(prog="python -m benchmarks.measuring.tasks.crowd", description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options = Options(
            Path(folder),
            parameters={"ProviderSlots": str(SLOTS), "PollAfterSeconds": "60"},
            provider_arguments=["--task-seconds", str(GENERATING_S), "--pixels", "40000"],
        )
        with Stack(options) as stack:
            crowds = [_crowd(_Runner(stack), count, mix) for count, mix in CROWDS]
    today = dt.datetime.now(dt.UTC).date().isoformat()
    MeasuredCrowds(measured_on=today, slots=SLOTS, generating_s=GENERATING_S, crowds=crowds).write()
    for crowd in crowds:
        print(f"{crowd.tasks} tasks, {crowd.images} images")
        print(f"  predicted {crowd.predicted}\n  measured  {crowd.measured}")


def _crowd(runner: _Runner, count: int, mix: dict[int, int]) -> Crowd:
    runner.run([1] * SLOTS)  # Starts every function.
    alone = runner.run([1] * SLOTS)
    weights = [n for n, weight in mix.items() for _ in range(weight)]
    sizes = [weights[number % len(weights)] for number in range(count)]
    items = runner.run(sizes)
    stages = runner.stages([*alone, *runner.run([1] * SLOTS)])
    # The arrivals are those of the crowd; only the waits are predicted.
    first = min(_at(item, "created_at") for item in items)
    arrivals = [Arrival(_at(item, "created_at") - first, int(item["n"]["N"])) for item in items]
    outcome = simulate(arrivals, stages, SLOTS)
    waits = [_at(item, "dispatched_at") - _at(item, "created_at") for item in items]
    return Crowd(
        tasks=count,
        images=sum(sizes),
        stages={name: round(value, 3) for name, value in vars(stages).items()},
        predicted=_waits(outcome.makespan, outcome.waits),
        measured=_waits(max(_at(item, "updated_at") for item in items) - first, waits),
    )


def _waits(makespan: float, waits: list[float]) -> Waits:
    p50, p95, p99 = percentiles(waits)
    return Waits(makespan=round(makespan, 2), p50=round(p50, 2), p95=round(p95, 2), p99=round(p99, 2))


def _at(item: dict[str, Any], name: str) -> float:
    return int(item[name]["N"]) / 1_000


class _Runner:
    def __init__(self, stack: Stack) -> None:
        self._stack = StackClient(stack)
        self._image = base64_of(jpeg_of_noise())

    def run(self, sizes: Sequence[int]) -> list[dict[str, Any]]:
        """Create tasks of these ``n`` as fast as they are accepted, wait for all, and return their items."""
        with ThreadPoolExecutor(4) as pool:
            task_ids = list(pool.map(self._create, sizes))
        return [self._ended(task_id) for task_id in task_ids]

    def stages(self, items: list[dict[str, Any]]) -> Stages:
        """Return the median stage times of tasks that did not have to wait."""
        steps = [self._steps(item["run_id"]["S"]) for item in items]

        def median(name: str) -> float:
            return statistics.median(each[name] for each in steps)

        until_dispatched = statistics.median(_at(item, "dispatched_at") - _at(item, "created_at") for item in items)
        from_dispatched = statistics.median(_at(item, "updated_at") - _at(item, "dispatched_at") for item in items)
        return Stages(
            accepting=until_dispatched - median(DISPATCH),
            dispatching=median(DISPATCH),
            generating=GENERATING_S,
            # The rest of the time after the dispatch, without generating and collecting.
            noticing=max(0.0, from_dispatched - GENERATING_S - median(COLLECT)),
            collecting=median(COLLECT),
            # Poll hands the slots over, which is counted above; the woken task begins with Dispatch, counted too.
            leaving=0.0,
            waking=0.0,
        )

    def _create(self, n: int) -> str:
        return self._stack.create({"prompt": "crowd", "n": n, "subject_image_list": [{"subject_image": self._image}]})

    def _ended(self, task_id: str) -> dict[str, Any]:
        item: dict[str, Any] = {}

        def has_succeeded() -> bool:
            item.update(self._stack.item(task_id))
            if item["task_status"]["S"] == "failed":
                raise RuntimeError(f"{task_id} failed: {item.get('task_status_msg')}")
            return bool(item["task_status"]["S"] == "succeed")

        wait_until(has_succeeded, f"{task_id} has succeeded", at_most_s=_PATIENCE_S, every_s=0.25)
        return item

    def _steps(self, run_id: str) -> dict[str, float]:
        """Return how long a task's workflow spent in each state that it has left."""
        step_functions = self._stack.aws.stepfunctions
        arn = f"{self._stack.here['state_machine_arn'].replace(':stateMachine:', ':execution:')}:{run_id}"
        wait_until(
            lambda: step_functions.describe_execution(executionArn=arn)["status"] != "RUNNING",
            f"the workflow of {run_id} has ended",
            at_most_s=_PATIENCE_S,
        )
        taken: dict[str, float] = {}
        entered: dict[str, float] = {}
        pages: Any = step_functions.get_paginator("get_execution_history").paginate(executionArn=arn)
        for event in (event for page in pages for event in page["events"]):
            at = event["timestamp"].timestamp()
            if "stateEnteredEventDetails" in event:
                entered[event["stateEnteredEventDetails"]["name"]] = at
            elif "stateExitedEventDetails" in event:
                name = event["stateExitedEventDetails"]["name"]
                taken[name] = at - entered[name]
        return taken


if __name__ == "__main__":
    main()
