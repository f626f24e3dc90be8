"""The waits of a caller: for create, GET, list, and a drop's result, beside bare functions behind the same gateway.

Two local stacks run, and only one of them is busy at a time. In one of them, bare functions make the same calls.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.data.figure import Figure
from benchmarks.measuring.local_stack import StackClient, wait_until
from benchmarks.measuring.sample_images import base64_of, png_of
from benchmarks.measuring.tasks.bare_stack import make_bare
from local.stack import TASKS_PATH, Options, Stack

GOAL = 1.3
AHEAD = 80
"""Tasks ahead of the waiting one."""

_SIZES = {"20 KB": 20_000, "1 MB": 1_000_000}
_GENERATING_S = 1.0
_SLOTS = 60
_PARAMETERS = {"ProviderSlots": str(_SLOTS), "PollAfterSeconds": "600", "CallerTasksPerMinute": "100000"}
_PROVIDER = ["--task-seconds", str(_GENERATING_S), "--pixels", "40000", "--max-slots", str(_SLOTS)]
_PATIENCE_S = 180.0
_QUIET_S = 0.7
"""The pause after a create: its workflow then waits for the provider, and disturbs no other request."""

_EXPIRED_S = 1.1
"""The pause after which no process answers with a queue that it has read before."""


def measure_waits() -> Iterator[Figure]:
    """Make each request at both stacks in turn, and compare the medians."""
    with contextlib.ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        stacks = [running.enter_context(_stack(folder / name)) for name in ("kiln", "bare")]
        make_bare(stacks[1])
        callers = [_Caller(StackClient(stack)) for stack in stacks]
        yield _compared("drop → result, beyond the generation", [each.drop for each in callers], rounds=5)
        for each in callers:
            each.stack.set_faults(task_seconds=_PATIENCE_S * 10)
        for size, content in _SIZES.items():
            creates = [partial(each.create, _body(content)) for each in callers]
            yield _compared(f"create, one image of {size}", creates, rounds=10, pause_s=_QUIET_S)
        yield _compared("GET of a running task", [each.get for each in callers], rounds=30)
        yield _compared("GET of the list", [each.list for each in callers], rounds=30)
        for each in callers:
            each.let_wait()
        gets = [each.get for each in callers]
        yield _compared(f"GET of a waiting task, {AHEAD} ahead", gets, rounds=12, pause_s=_EXPIRED_S)
        empty = statistics.median(callers[1].get_nothing() for _ in range(30))
        yield Figure("an empty function behind the local gateway", f"{empty * 1e3:.1f} ms", "", empty * 1e3)


def _stack(folder: Path) -> Stack:
    return Stack(Options(folder, parameters=_PARAMETERS, provider_arguments=_PROVIDER))


def _body(size: int) -> dict[str, Any]:
    return {"prompt": "bench", "subject_image_list": [{"subject_image": base64_of(png_of(size))}]}


def _compared(name: str, ways: Sequence[Callable[[], float]], *, rounds: int, pause_s: float = 0.0) -> Figure:
    """Compare Kiln with the bare functions.

    Args:
        name: What is measured.
        ways: Of each stack: make one request, and return the seconds until its end.
        rounds: How many count; one more before them warms up.
        pause_s: The seconds between two requests.
    """
    taken: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds + 1):
        for way, times in zip(ways, taken, strict=True):
            times.append(way())
            time.sleep(pause_s)
    kiln, bare = (statistics.median(times[1:]) for times in taken)
    return Figure(name, f"{kiln * 1e3:.0f} ms", f"{bare * 1e3:.0f} ms: a bare function", kiln / bare, GOAL)


class _Caller:
    """A caller of one stack. Each request returns the seconds that it took."""

    def __init__(self, stack: StackClient) -> None:
        self.stack = stack
        self._task_id = ""
        self._drops = 0

    def create(self, body: dict[str, Any]) -> float:
        started = time.perf_counter()
        self._task_id = self.stack.create(body)
        return time.perf_counter() - started

    def get(self) -> float:
        """GET the task that was created last."""
        return self._get(f"{TASKS_PATH}/{self._task_id}")

    def list(self) -> float:
        return self._get(TASKS_PATH)

    def get_nothing(self) -> float:
        """GET what the bare function answers without any call."""
        return self._get("/v1/usage")

    def drop(self) -> float:
        """Drop an image and its job; the time of the generation does not count."""
        s3, here = self.stack.aws.s3, self.stack.here
        self._drops += 1
        folder = f"drop-{self._drops}"
        job = {"prompt": "bench", "subject_image_list": [{"subject_image": "subject.png"}]}
        outbox, result = here["outbox_bucket"], f"{folder}/result.json"
        s3.put_object(Bucket=here["inbox_bucket"], Key=f"{folder}/subject.png", Body=png_of(_SIZES["20 KB"]))
        started = time.perf_counter()
        s3.put_object(Bucket=here["inbox_bucket"], Key=f"{folder}/job.json", Body=json.dumps(job).encode())
        wait_until(
            lambda: s3.list_objects_v2(Bucket=outbox, Prefix=result).get("KeyCount"),
            f"{folder} has a result",
            at_most_s=_PATIENCE_S,
            every_s=0.02,
        )
        return time.perf_counter() - started - _GENERATING_S

    def let_wait(self) -> None:
        """Put the task that was created last into the queue, behind others."""
        table, dynamodb = self.stack.here["table"], self.stack.aws.dynamodb
        dynamodb.update_item(
            TableName=table,
            Key={"pk": {"S": f"TASK#{self._task_id}"}},
            UpdateExpression="SET queue = :waiting, turn = :last",
            ExpressionAttributeValues={":waiting": {"S": "waiting"}, ":last": {"N": str(AHEAD)}},
        )
        now = {"N": str(time.time_ns() // 1_000_000)}
        for number in range(AHEAD):
            item: dict[str, Any] = {
                "pk": {"S": f"QUEUE#{number}"},
                "task_id": {"S": f"{number:032x}"},
                "queue": {"S": "waiting"},
                "turn": {"N": str(number)},
                "n": {"N": "9"},
                "created_at": now,
            }
            dynamodb.put_item(TableName=table, Item=item)
        position = self.stack.task(self._task_id)["queue_position"]
        if position != AHEAD + 1:
            raise AssertionError(f"{AHEAD} tasks must be ahead, got position {position}")

    def _get(self, path: str) -> float:
        started = time.perf_counter()
        self.stack.api.get(path).raise_for_status()
        return time.perf_counter() - started
