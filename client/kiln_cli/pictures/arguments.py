"""Arguments and options of several commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kiln_cli.pictures import completion

TaskId = Annotated[
    str, typer.Argument(metavar="ID", help="The task's id or your external id", autocompletion=completion.task_ids)
]
TaskIds = Annotated[
    list[str],
    typer.Argument(metavar="ID", help="The tasks' ids or your external ids", autocompletion=completion.task_ids),
]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the images", file_okay=False)]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Print the task's id and don't wait for its images")]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", min=0, help="Longest time to wait; the task keeps running after it"),
]
IdempotencyKey = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key", metavar="KEY", help="The same key and request is the same task, however often you send it"
    ),
]
