"""Tasks as a person reads them: a table of many, a sheet of one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kiln_cli.pictures.following import STEPS, stage_in_words
from kiln_client import KeptRequest, Progress, Task

_COLOURS = {"submitted": "yellow", "processing": "cyan", "succeed": "green", "failed": "red"}
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def table(tasks: Sequence[Task]) -> RenderableType:
    """Tasks, a line each."""
    rows = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("task", "status", "accepted", "images", "your id, or why it failed"):
        rows.add_column(name, no_wrap=name in {"task", "status", "accepted"})
    for task in tasks:
        images = str(len(task.images)) if task.images else ""
        rows.add_row(task.task_id, _status(task), ago(task.created_at), images, _remark(task))
    return rows


def sheet(task: Task, progress: Progress, request: KeptRequest) -> RenderableType:
    """All that is worth knowing of one task."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    facts.add_column(overflow="fold")
    facts.add_row("task", task.task_id)
    if task.external_task_id:
        facts.add_row("your id", Text(task.external_task_id))
    facts.add_row("status", status_in_words(task, progress))
    if task.task_status_msg:
        facts.add_row("reason", Text(task.task_status_msg))
    facts.add_row("prompt", Text(request.prompt or "none"))
    wanted = f"{request.n} × {request.aspect_ratio} by {request.model_name}"
    facts.add_row("wanted", wanted + (", watermarked" if request.watermarked else ""))
    if task.final_unit_deduction:
        facts.add_row("charged", f"{task.final_unit_deduction} units")
    for step in progress.steps:
        when = datetime.fromtimestamp(step.at / 1_000).astimezone()
        seconds = (step.at - progress.steps[0].at) / 1_000
        facts.add_row("", f"{when:%Y-%m-%d %H:%M:%S}  {seconds:7.1f} s  {STEPS.get(step.step, step.step)}")
    return Group(facts, *[Text(f"  {image.url}") for image in task.images])


def status_in_words(task: Task, progress: Progress) -> Text:
    """The status, and of a task that has not ended where it is now."""
    return _status(task) if progress.is_finished else Text.assemble(_status(task), f"; it {stage_in_words(progress)}")


def ago(at: int) -> str:
    """How long ago a moment is, in its largest unit."""
    seconds = max(0, int(time.time() - at / 1_000))
    size, unit = next((each for each in _UNITS if seconds >= each[0]), _UNITS[-1])
    return f"{seconds // size} {unit} ago"


def _status(task: Task) -> Text:
    position = f" ({task.queue_position})" if task.queue_position else ""
    return Text(task.task_status + position, style=_COLOURS.get(task.task_status, ""))


def _remark(task: Task) -> Text:
    return Text(task.task_status_msg or task.external_task_id, overflow="ellipsis")
