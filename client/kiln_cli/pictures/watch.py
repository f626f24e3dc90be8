"""``kiln watch``: follows tasks to their end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kiln_cli.pictures.arguments import TaskIds, Timeout
from kiln_cli.pictures.follow import check_folder, follow
from kiln_cli.pictures.session import Session

SaveTo = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="DIR", help="Save the images in this folder", file_okay=False)
]


def watch(session: Session, task_ids: TaskIds, output: SaveTo = None, timeout: Timeout = None) -> None:
    """Watch tasks until they end.

    Prints the links to their images, or saves the images with --output.
    """
    if output is not None:
        check_folder(output)
    with session.kiln() as kiln:
        follow(session, kiln, task_ids, output=output, timeout=timeout, print_changes=True)
