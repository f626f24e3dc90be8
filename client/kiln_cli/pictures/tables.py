"""Tasks for a person to read: a table of many, the details of one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kiln_cli.pictures.progress_view import STEPS, stage_in_words
from kiln_client import Progress, StoredRequest, Task

_COLOURS = {"submitted": "yellow", "processing": "cyan", "succeed": "green", "failed": "red"}
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def table(tasks: Sequence[Task]) -> RenderableType:
    """Tasks, one per line."""
    rows = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("task", "status", "accepted", "images", "your id, or the reason of a failure"):
        rows.add_column(name, no_wrap=name in {"task", "status", "accepted"})
    for task in tasks:
        images = str(len(task.images)) if task.images else ""
        position = f" ({task.queue_position})" if task.queue_position else ""
        rows.add_row(task.task_id, _coloured(task, position), ago(task.created_at), images, _remark(task))
    return rows


def details(task: Task, progress: Progress, request: StoredRequest) -> RenderableType:
    """The details of one task."""
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim")
    rows.add_column(overflow="fold")
    rows.add_row("task", task.task_id)
    if task.external_task_id:
        rows.add_row("your id", Text(task.external_task_id))
    rows.add_row("status", status_in_words(task, progress))
    if task.task_status_msg:
        rows.add_row("reason", Text(task.task_status_msg))
    rows.add_row("prompt", Text(request.prompt or "none"))
    options = f"{request.n} × {request.aspect_ratio} by {request.model_name}"
    rows.add_row("options", options + (", watermarked" if request.watermarked else ""))
    if task.final_unit_deduction:
        rows.add_row("charged", f"{task.final_unit_deduction} units")
    for number, step in enumerate(progress.steps):
        when = datetime.fromtimestamp(step.at / 1_000).astimezone()
        seconds = (step.at - progress.steps[0].at) / 1_000
        name = "" if number else "timeline"
        rows.add_row(name, f"{when:%Y-%m-%d %H:%M:%S}  {seconds:7.1f} s  {STEPS.get(step.step, step.step)}")
    return Group(rows, *[Text(f"  {image.url}") for image in task.images])


def status_in_words(task: Task, progress: Progress) -> Text:
    """The status, and the stage of a task that has not ended: ``submitted; 2nd in the queue``."""
    return _coloured(task, "" if progress.is_finished else f"; {stage_in_words(progress)}")


def ago(at: int) -> str:
    """A moment's age in its largest unit."""
    seconds = max(0, int(time.time() - at / 1_000))
    size, unit = next((each for each in _UNITS if seconds >= each[0]), _UNITS[-1])
    return f"{seconds // size} {unit} ago"


def _coloured(task: Task, rest: str) -> Text:
    return Text.assemble((task.task_status, _COLOURS.get(task.task_status, "")), rest)


def _remark(task: Task) -> Text:
    return Text(task.task_status_msg or task.external_task_id, overflow="ellipsis")
