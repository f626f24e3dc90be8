"""What ``make run`` shows: a sample job dropped into the inbox, its way through the workflow, and its images."""

from __future__ import annotations

import io
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import Image
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from kiln_cli import thumbnails
from local import function_logs, narration
from local.clients import AwsClients
from local.stack import Stack

TIMEOUT_SECONDS = 120


class TourError(Exception):
    """The job did not bring the images that it asked for."""


@dataclass(frozen=True)
class Stage:
    """A state of the workflow that a task has entered."""

    name: str
    entered: datetime


class Tour:
    """One sample job, from the drop to the pictures.

    Attributes:
        done: Whether the images have arrived.
    """

    def __init__(self, console: Console, sample: Path, state_dir: Path) -> None:
        self.done = False
        self._console = console
        self._sample = sample
        self._state_dir = state_dir
        self._results = state_dir / "results"

    def show(self, stack: Stack, *, stays: bool) -> None:
        """Drops the job and follows it to its end.

        Args:
            stack: The stack that runs.
            stays: Whether it goes on running, so that there are next things to try.

        Raises:
            TourError: It failed, took too long, or brought something else than images.
        """
        here = stack.description
        name = self._sample.name
        job = json.loads((self._sample / "job.json").read_text(encoding="utf-8"))
        wanted = int(job.get("n", 1))
        self._headline("Running on this computer")
        parts = narration.what_started(here)
        width = max(len(address) for _, address, _ in parts)
        for part, address, words in parts:
            self._console.print(f"  {part:<8}  [cyan]{address:<{width}}[/cyan]  [dim]{words}[/dim]")
        self._headline(f"Dropping {self._sample}/ into s3://{here['inbox_bucket']}/{name}/")
        if job.get("prompt"):
            self._console.print(Padding(Text(f"“{job['prompt']}”", "italic"), (0, 2), expand=False), soft_wrap=False)
        dropped = time.time()
        # job.json goes first, as a file that waits for the others may.
        for path in sorted(self._sample.iterdir(), key=lambda each: each.name != "job.json"):
            stack.clients.s3.put_object(Bucket=here["inbox_bucket"], Key=f"{name}/{path.name}", Body=path.read_bytes())
            self._tell(dropped, path.name, narration.what_was_dropped(job, path.name))
        self._headline("The task's way through its workflow")
        with self._console.status("waiting for the workflow to start"):
            self._follow(stack, name, dropped)
        files = self._download(stack.clients, here["outbox_bucket"], name)
        images = [(file, _look_at(file)) for file in files if file.suffix != ".json"]
        if len(images) != wanted:
            raise TourError(f"{wanted} images were asked for, {len(images)} arrived in {self._results / name}")
        self.done = True
        self._show_images([file for file, _ in images], [f"{file}  ({kind})" for file, kind in images])
        if stays:
            self._headline("Try next")
            for what, how in narration.next_things(here, self._state_dir, self._sample):
                self._console.print(f"  {what}:\n    [cyan]{escape(how)}[/cyan]")
            self._console.print()

    def _follow(self, stack: Stack, job: str, dropped: float) -> None:
        here = stack.description
        seen = 0
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            stack.check()
            # What is asked for first is told last: the result is written within one of the stages.
            result = _read(stack.clients, here["outbox_bucket"], f"{job}/result.json")
            stages = list(_stages(stack.clients, here["state_machine_arn"]))
            for stage in stages[seen:]:
                self._tell(dropped, stage.name, narration.STATES.get(stage.name, ""), at=stage.entered.timestamp())
            seen = len(stages)
            if result is not None:
                task = result.get("data") or {}
                if task.get("task_status") != "succeed":
                    raise TourError(f"the job failed: {task.get('task_status_msg') or result.get('message')}")
                self._tell(dropped, "result.json", "is in the outbox, beside the images")
                return
            time.sleep(0.2)
        logged = "\n".join(f"  {line}" for line in function_logs.errors(stack.clients))
        raise TourError(f"there was no result within {TIMEOUT_SECONDS} s; what the functions have logged:\n{logged}")

    def _download(self, clients: AwsClients, bucket: str, job: str) -> list[Path]:
        # What an earlier run has left would pass for this one's.
        shutil.rmtree(self._results / job, ignore_errors=True)
        files = []
        for item in clients.s3.list_objects_v2(Bucket=bucket, Prefix=f"{job}/").get("Contents", []):
            target = self._results / item["Key"]
            target.parent.mkdir(parents=True, exist_ok=True)
            clients.s3.download_file(bucket, item["Key"], str(target))
            files.append(target)
        return files

    def _show_images(self, files: Sequence[Path], lines: Sequence[str]) -> None:
        self._headline("The images")
        thumbnails.show(self._console, files)
        for line in lines:
            self._console.print(f"  {line}", markup=False)

    def _headline(self, text: str) -> None:
        self._console.print(f"\n[bold]{escape(text)}[/bold]")

    def _tell(self, start: float, what: str, words: str, *, at: float | None = None) -> None:
        elapsed = (at or time.time()) - start
        self._console.print(f"  [cyan]{elapsed:6.1f} s[/cyan]  {what:<17}  [dim]{escape(words)}[/dim]".rstrip())


def _stages(clients: AwsClients, state_machine: str) -> Iterator[Stage]:
    """The states that the first task has entered so far, in their order."""
    executions = clients.stepfunctions.list_executions(stateMachineArn=state_machine)["executions"]
    if not executions:
        return
    first = min(executions, key=lambda execution: execution["startDate"])
    history = clients.stepfunctions.get_execution_history(executionArn=first["executionArn"], maxResults=1000)
    for event in history["events"]:
        entered = event.get("stateEnteredEventDetails")
        # A choice only says which way the step before it has led.
        if entered is not None and event["type"] != "ChoiceStateEntered":
            yield Stage(entered["name"], event["timestamp"])


def _read(clients: AwsClients, bucket: str, key: str) -> dict[str, Any] | None:
    if not clients.s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents"):
        return None
    body: dict[str, Any] = json.loads(clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    return body


def _look_at(path: Path) -> str:
    """What kind of image a file holds; decoding it is the proof that it is one."""
    try:
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            image.load()
            return f"{image.format} {image.width}x{image.height}"
    except OSError as error:
        raise TourError(f"{path} is not an image: {error}") from error
