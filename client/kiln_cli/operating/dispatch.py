"""``kiln dispatch``: who holds the provider's slots and who waits; pausing, draining, resuming."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from kiln_cli.failures import INTERRUPTED, NOT_IN_TIME, CommandFailed
from kiln_cli.operating.command import OperatorSession, operator_command
from kiln_cli.operating.moments import date_and_time, since

app = typer.Typer(name="dispatch", help="Dispatch to the provider: status, pause, drain, resume.", no_args_is_help=True)

_LONGEST_LINE = 1_000
_LOOK_SECONDS = 2.0
_STAYS_PAUSED = "dispatch stays paused until: kiln dispatch resume"


@operator_command(app, "status")
def status(session: OperatorSession) -> None:
    """Say who holds slots and who waits."""
    _tell(session, session.installation.operate("status"))


@operator_command(app, "pause")
def pause(session: OperatorSession) -> None:
    """Give no task slots any more; those that have theirs are finished. New tasks are accepted and wait."""
    _tell(session, session.installation.operate("pause"))


@operator_command(app, "resume")
def resume(session: OperatorSession) -> None:
    """Give tasks slots again, wake those that wait, take back slots that ended tasks still hold."""
    _tell(session, session.installation.operate("resume"))


@operator_command(app, "drain")
def drain(
    session: OperatorSession,
    timeout: Annotated[float, typer.Option(help="Seconds to wait at most; dispatch stays paused all the same")] = 7_200,
) -> None:
    """Pause, and wait until nothing runs. Dispatch stays paused: kiln dispatch resume ends that."""
    ends_at = time.monotonic() + timeout
    now = session.installation.operate("pause")
    running = None
    try:
        while now["held"]:
            if len(now["running"]) != running:
                running = len(now["running"])
                session.terminal.remark(f"{running} running, {now['held']} slots held, {_line(now)} …")
            if time.monotonic() > ends_at:
                still = f"{_tasks(len(now['running']))} still running: {', '.join(now['running'])}"
                raise CommandFailed(f"{still}; {_STAYS_PAUSED}", NOT_IN_TIME)
            time.sleep(min(_LOOK_SECONDS, max(0.0, ends_at - time.monotonic())))
            now = session.installation.operate("status")
    except KeyboardInterrupt:
        raise CommandFailed(f"interrupted; {_STAYS_PAUSED}", INTERRUPTED) from None
    _tell(session, now)


def lines(told: dict[str, Any]) -> list[str]:
    """Dispatch in words."""
    paused = f"paused for {since(told['paused_at'])}, since {date_and_time(told['paused_at'])}"
    free = told["slots"] - told["held"] - told["kept_back"] - told["reserved"]
    slots = [f"{told['held']} of {told['slots']} held by {_tasks(len(told['running']))}", f"{max(free, 0)} free"]
    if told["kept_back"]:
        slots.append(f"{told['kept_back']} kept back as the provider was full")
    if told["reserved"]:
        slots.append(f"{told['reserved']} reserved for the first in line")
    said = [
        f"dispatch  {paused if told['paused_at'] else 'open'}",
        f"slots     {', '.join(slots)}",
        f"in line   {_line(told)}",
    ]
    if told["next_task_id"]:
        said.append(f"next      {told['next_task_id']}, accepted {since(told['next_since'])} ago")
    said += [f"running   {task_id}" for task_id in told["running"] if task_id not in told["ended"]]
    said += [f"ended     {task_id}: about to leave, or its slots leaked" for task_id in told["ended"]]
    return said


def _line(told: dict[str, Any]) -> str:
    waiting = told["waiting"]
    return f"{waiting:,}{' or more' if waiting >= _LONGEST_LINE else ''} waiting"


def _tasks(count: int) -> str:
    return f"{count} task{'s' * (count != 1)}"


def _tell(session: OperatorSession, told: dict[str, Any]) -> None:
    if session.terminal.as_json:
        session.terminal.document(told)
    else:
        session.terminal.lines(lines(told))
