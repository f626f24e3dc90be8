"""Arguments and options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kiln_cli.pictures import completing

TaskId = Annotated[
    str, typer.Argument(metavar="ID", help="The task's id, or its external id", autocompletion=completing.task_ids)
]
TaskIds = Annotated[
    list[str],
    typer.Argument(metavar="ID", help="The tasks' ids, or their external ids", autocompletion=completing.task_ids),
]
Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="DIR", help="Where to save the images", file_okay=False)
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Print the task's id and do not wait for it")]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", min=0, help="How long to wait at most; the task goes on all the same"),
]
IdempotencyKey = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key", metavar="KEY", help="The same key and request is the same task, however often it is sent"
    ),
]
