"""Shows a sample job: its drop into the inbox, its states in the workflow, and its images."""

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
from rich.table import Table
from rich.text import Text

from kiln_cli import thumbnails
from local import function_logs, narration
from local.clients import AwsClients
from local.stack import Stack

TIMEOUT_SECONDS = 120
REAL_TIMEOUT_SECONDS = 900


class TourError(Exception):
    """The sample job did not produce the images that it asked for."""


@dataclass(frozen=True)
class EnteredState:
    """A state that the workflow has entered."""

    name: str
    entered: datetime


class Tour:
    """One sample job, from the drop to the images.

    Attributes:
        done: Whether the images have arrived.
    """

    def __init__(self, console: Console, sample: Path, state_dir: Path) -> None:
        self.done = False
        self._console = console
        self._sample = sample
        self._state_dir = state_dir
        self._results = state_dir / "results"

    @property
    def images(self) -> int:
        """How many images the sample job makes."""
        return int(narration.job_of(self._sample).get("n", 1))

    def show(self, stack: Stack, *, stays: bool) -> None:
        """Drops the sample job and shows its progress and images.

        Args:
            stack: The running stack.
            stays: Whether the stack keeps running, so that there is something to try next.

        Raises:
            TourError: The job failed, took too long, or did not produce images.
        """
        here = stack.description
        name = self._sample.name
        job = narration.job_of(self._sample)
        wanted = self.images
        self._headline("Running on this computer")
        parts = narration.parts(here)
        width = max(len(address) for _, address, _ in parts)
        for part, address, purpose in parts:
            self._console.print(f"  {part:<8}  [cyan]{address:<{width}}[/cyan]  [dim]{purpose}[/dim]")
        self._headline(f"Dropping the folder {self._sample}/ into s3://{here['inbox_bucket']}/{name}/")
        if job.get("prompt"):
            self._console.print(Padding(Text(f"“{job['prompt']}”", "italic"), (0, 2), expand=False), soft_wrap=False)
        dropped = time.time()
        # The job may come first: it waits for its other files.
        for path in sorted(self._sample.iterdir(), key=lambda each: each.name not in ("job.json", "prompt.txt")):
            stack.clients.s3.put_object(Bucket=here["inbox_bucket"], Key=f"{name}/{path.name}", Body=path.read_bytes())
            self._report(dropped, path.name, narration.role_of(path.name, job))
        self._headline("The task in its workflow")
        with self._console.status("Waiting for the workflow to start"):
            self._follow(stack, name, dropped)
        files = self._download(stack.clients, here["outbox_bucket"], name)
        images = [(file, _format_of(file)) for file in files if file.suffix != ".json"]
        if len(images) != wanted:
            raise TourError(f"expected {wanted} images in {self._results / name}, got {len(images)}")
        self.done = True
        self._show_images([file for file, _ in images], [f"{file}  ({kind})" for file, kind in images])
        if stays:
            self._headline("Try next")
            for what, how in narration.next_steps(here, self._state_dir, self._sample):
                self._console.print(f"  {what}:\n    [cyan]{escape(how)}[/cyan]")
            self._console.print()

    def _follow(self, stack: Stack, job: str, dropped: float) -> None:
        here = stack.description
        machine = stack.clients.stepfunctions.describe_state_machine(stateMachineArn=here["state_machine_arn"])
        comments = narration.comments(json.loads(machine["definition"]))
        seen = 0
        patience = TIMEOUT_SECONDS if here["provider_control_url"] else REAL_TIMEOUT_SECONDS
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            stack.check()
            # Read before the states, as one of them writes the result.
            result = _read(stack.clients, here["outbox_bucket"], f"{job}/result.json")
            entered = list(_entered_states(stack.clients, here["state_machine_arn"]))
            for state in entered[seen:]:
                self._report(dropped, state.name, comments.get(state.name, ""), at=state.entered.timestamp())
            seen = len(entered)
            if result is not None:
                task = result.get("data") or {}
                if task.get("task_status") != "succeed":
                    raise TourError(f"the job failed: {task.get('task_status_msg') or result.get('message')}")
                self._report(dropped, "result.json", "in the outbox, beside the images")
                return
            time.sleep(0.2)
        logged = "\n".join(f"  {line}" for line in function_logs.errors(stack.clients))
        raise TourError(f"got no result within {patience} s. Errors in the functions' logs:\n{logged}")

    def _download(self, clients: AwsClients, bucket: str, job: str) -> list[Path]:
        # Results of an earlier run must not pass for those of this one.
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

    def _report(self, start: float, what: str, comment: str, *, at: float | None = None) -> None:
        """Prints one line; a long comment is wrapped below its own beginning."""
        row = Table.grid(padding=(0, 2, 0, 0))
        for width in (10, 17, None):
            row.add_column(width=width, no_wrap=width is not None, overflow="ellipsis" if width else "fold")
        elapsed = (at or time.time()) - start
        row.add_row(Text(f"  {elapsed:6.1f} s", "cyan"), what, Text(comment, "dim"))
        self._console.print(row)


def _entered_states(clients: AwsClients, state_machine: str) -> Iterator[EnteredState]:
    """The states that the first task has entered so far, in order."""
    executions = clients.stepfunctions.list_executions(stateMachineArn=state_machine)["executions"]
    if not executions:
        return
    first = min(executions, key=lambda execution: execution["startDate"])
    history = clients.stepfunctions.get_execution_history(executionArn=first["executionArn"], maxResults=1000)
    for event in history["events"]:
        entered = event.get("stateEnteredEventDetails")
        # A choice shows nothing that the state after it does not show.
        if entered is not None and event["type"] != "ChoiceStateEntered":
            yield EnteredState(entered["name"], event["timestamp"])


def _read(clients: AwsClients, bucket: str, key: str) -> dict[str, Any] | None:
    if not clients.s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents"):
        return None
    body: dict[str, Any] = json.loads(clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    return body


def _format_of(path: Path) -> str:
    """The format and size of an image; it is decoded, which proves that it is whole."""
    try:
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            image.load()
            return f"{image.format} {image.width}x{image.height}"
    except OSError as error:
        raise TourError(f"{path} is not a whole image: {error}") from error
