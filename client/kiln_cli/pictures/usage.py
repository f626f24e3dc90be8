"""``kiln usage``: what your ended tasks have cost, day by day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from kiln_cli.failures import USAGE, CommandFailed
from kiln_cli.pictures.session import Session
from kiln_client import Usage

if TYPE_CHECKING:
    from rich.table import Table

_FORMATS = ["%Y-%m-%d"]

First = Annotated[
    datetime | None,
    typer.Option("--from", formats=_FORMATS, metavar="DAY", help="The first day, YYYY-MM-DD; default is this month's"),
]
Last = Annotated[
    datetime | None,
    typer.Option("--to", formats=_FORMATS, metavar="DAY", help="The last day, YYYY-MM-DD; default is today"),
]


def usage(session: Session, first: First = None, last: Last = None) -> None:
    """Show the units, images, tasks and failures of each day (UTC).

    Prints day, units, images, tasks and failures in a pipe, with tabs between.
    """
    if first and last and last < first:
        raise CommandFailed(f"--to: must not be before --from ({first:%Y-%m-%d}), got {last:%Y-%m-%d}", USAGE)
    with session.kiln() as kiln:
        days = kiln.usage(first.date() if first else None, last.date() if last else None)
    terminal = session.terminal
    if terminal.as_json:
        terminal.document([day.answer for day in days])
    elif terminal.is_watched:
        terminal.show(_table(days) if days else "No task ended in this time.")
    else:
        terminal.rows(_cells(str(day.day), [day]) for day in days)


def _table(days: Sequence[Usage]) -> Table:
    from rich.table import Table  # noqa: PLC0415 - a pipe saves a fifth of a second

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("day")
    for name in ("units", "images", "tasks", "failures"):
        table.add_column(name, justify="right")
    for day in days:
        table.add_row(*_cells(str(day.day), [day]))
    table.add_row(*_cells("total", days), style="bold")
    return table


def _cells(name: str, days: Sequence[Usage]) -> tuple[str, ...]:
    units = f"{sum(day.units for day in days):f}"
    return (name, units, *(str(sum(getattr(day, each) for day in days)) for each in ("images", "tasks", "failures")))
