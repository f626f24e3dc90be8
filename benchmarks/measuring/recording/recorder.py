"""Runs one task at a time on a local stack, and counts what it used.

A function's calls and CPU time are noted in its worker (``in_workers/``). Writes are read from the table's stream,
transitions and native calls from the executions' histories.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.data.counts import Counts
from benchmarks.measuring.local_stack import StackClient, wait_until
from benchmarks.measuring.recording.observer import Observer
from benchmarks.measuring.recording.traces import short_name
from benchmarks.measuring.sample_images import base64_of, jpeg_of_noise
from local.receiver import Receiver
from local.stack import TASKS_PATH, Options, Stack

IN_WORKERS = Path(__file__).parent / "in_workers"

# The timer fires once after the generation has ended, as 30 s do for a generation of 24 s.
PARAMETERS = {"PollAfterSeconds": "5"}
PROVIDER = ["--task-seconds", "2", "--pixels", "40000"]

PROMPT = "A lantern-lit cat on a harbour wall at dusk, painted in gouache, seen from low down. " * 4
"""As long as people write them, because it counts in the size of every write."""

_PATIENCE_S = 240.0
_WARM_ATTEMPTS = 10
_OTHER_TASK = "0" * 32


@contextlib.contextmanager
def recorder() -> Iterator[Recorder]:
    """Run a stack whose workers note what they do, and yield its recorder."""
    with tempfile.TemporaryDirectory() as folder, Receiver() as receiver:
        notes = Path(folder) / "notes"
        notes.mkdir()
        options = Options(
            Path(folder) / "stack",
            parameters=PARAMETERS,
            aws_environment={"PYTHONPATH": str(IN_WORKERS), "KILN_RECORDING_DIR": str(notes)},
            provider_arguments=PROVIDER,
        )
        with Stack(options) as stack:
            yield Recorder(stack, notes, receiver)


class Recorder:
    """Runs tasks one at a time and returns what each used."""

    def __init__(self, stack: Stack, notes: Path, receiver: Receiver) -> None:
        self._stack = StackClient(stack)
        self._here = stack.description
        self._observer = Observer(stack, notes)
        self._receiver = receiver

    def warm(self, run: Callable[[], Counts]) -> Counts:
        """Repeat a run until none of its invocations is a cold start."""
        for _ in range(_WARM_ATTEMPTS):
            counts = run()
            if not any(work.cold for work in counts.work.values()):
                return counts
        raise RuntimeError(f"each of {_WARM_ATTEMPTS} runs had a cold start")

    def api_task(self, n: int, *, by_timer: bool = False, webhook: bool = True) -> Counts:
        """Run one task over the API, with its input in Base64, from its creation to its last notification.

        Args:
            n: How many images.
            by_timer: Whether the provider's callbacks are lost, so that only the timer wakes the workflow.
            webhook: Whether the task has a ``callback_url``.
        """
        self._stack.set_faults(drop_callbacks=by_timer)
        with self._observer.watch() as counts:
            self._wait_for_workflow(self._create(n, webhook=webhook))
            self._settle()
        return counts

    def dropped_task(self, n: int) -> Counts:
        """Drop one folder with ``job.json`` and an image."""
        self._stack.set_faults(drop_callbacks=False)
        bucket, folder = self._here["inbox_bucket"], f"drop-{time.time_ns()}"
        job = {"prompt": PROMPT, "n": n, "subject_image_list": [{"subject_image": "cat.jpg"}]}
        s3 = self._stack.aws.s3
        with self._observer.watch() as counts:
            s3.put_object(Bucket=bucket, Key=f"{folder}/cat.jpg", Body=jpeg_of_noise())
            s3.put_object(Bucket=bucket, Key=f"{folder}/job.json", Body=json.dumps(job).encode())
            outbox, result = self._here["outbox_bucket"], f"{folder}/result.json"
            _wait_until(lambda: s3.list_objects_v2(Bucket=outbox, Prefix=result).get("KeyCount"), f"there is {result}")
            self._settle()
        # The caller's own two uploads.
        counts.add_request("s3.PutObject", 2)
        return counts

    def waiting_task(self) -> Counts:
        """Run two tasks with room for one. Their usage beyond two tasks with room is the cost of waiting."""
        self._stack.set_faults(drop_callbacks=False)
        with self._slots_of_another_task(8), self._observer.watch() as counts:
            first = self._create(1)
            _wait_until(lambda: "dispatched_at" in self._stack.item(first), "the first task is dispatched")
            second = self._create(1)
            self._wait_for_workflow(first)
            self._wait_for_workflow(second)
            self._settle()
        return counts

    @contextlib.contextmanager
    def queue_of(self, length: int) -> Iterator[None]:
        """Put tasks of nine images at the end of the queue. While one slot is free, none of them is ever served."""
        table, dynamodb = self._here["table"], self._stack.aws.dynamodb
        keys = [{"pk": {"S": f"QUEUE#{number}"}} for number in range(length)]
        waiting: list[Any] = [
            {
                **key,
                "task_id": {"S": f"{number:032x}"},
                "queue": {"S": "waiting"},
                "turn": {"N": str(10**9 + number)},
                "n": {"N": "9"},
            }
            for number, key in enumerate(keys)
        ]

        def write(requests: list[Any]) -> None:
            for start in range(0, length, 25):
                answer = dynamodb.batch_write_item(RequestItems={table: requests[start : start + 25]})
                if answer["UnprocessedItems"]:
                    raise RuntimeError("the table must take every write, got unprocessed ones")

        write([{"PutRequest": {"Item": task}} for task in waiting])
        try:
            yield
        finally:
            write([{"DeleteRequest": {"Key": key}} for key in keys])

    def query(self) -> Counts:
        """Send one GET of a finished task."""
        task_id = self._finished_task()
        with self._observer.watch() as counts:
            self._stack.api.get(f"{TASKS_PATH}/{task_id}").raise_for_status()
            self._settle()
        return counts

    def download(self) -> Counts:
        """Send one GET of a result link, and follow it to S3."""
        task = self._stack.task(self._finished_task())
        with self._observer.watch() as counts:
            image = self._stack.api.get(task["task_result"]["images"][0]["url"], follow_redirects=True)
            image.raise_for_status()
            self._settle()
        counts.add_request("s3.GetObject", 1)
        return counts

    def _finished_task(self) -> str:
        self._stack.set_faults(drop_callbacks=False)
        task_id = self._create(1)
        self._wait_for_workflow(task_id)
        self._settle()
        return task_id

    def _create(self, n: int, *, webhook: bool = True) -> str:
        image = base64_of(jpeg_of_noise())
        body: dict[str, Any] = {"prompt": PROMPT, "n": n, "subject_image_list": [{"subject_image": image}]}
        return self._stack.create({**body, "callback_url": self._receiver.url} if webhook else body)

    @contextlib.contextmanager
    def _slots_of_another_task(self, number: int) -> Iterator[None]:
        names = {":others": {"SS": [f"{_OTHER_TASK}#{each}" for each in range(number)]}}
        where: Any = {
            "TableName": self._here["table"],
            "Key": {"pk": {"S": "SLOTS"}},
            "ExpressionAttributeValues": names,
        }
        update = self._stack.aws.dynamodb.update_item
        update(UpdateExpression="ADD holders :others", **where)
        try:
            yield
        finally:
            update(UpdateExpression="DELETE holders :others", **where)

    def _wait_for_workflow(self, task_id: str) -> None:
        def has_ended() -> bool:
            of_task = [each for each in self._observer.executions() if each["name"].startswith(task_id)]
            return bool(of_task) and of_task[0]["status"] != "RUNNING"

        _wait_until(has_ended, f"the workflow of {task_id} has ended")

    def _settle(self) -> None:
        """Wait until nothing runs and every callback that was sent has been served."""

        def is_quiet() -> bool:
            served = sum(
                short_name(line["function"]) == "Callback"
                for line in self._observer.lines()
                if line["kind"] == "invocation"
            )
            is_running = any(each["status"] == "RUNNING" for each in self._observer.executions())
            return served >= self._stack.callbacks_sent() and not is_running

        _wait_until(is_quiet, "nothing runs")


def _wait_until(condition: Callable[[], object], what: str) -> None:
    wait_until(condition, what, at_most_s=_PATIENCE_S)
