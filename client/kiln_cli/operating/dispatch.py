"""``kiln dispatch``: shows who holds and who waits for the provider's slots; pauses, drains and resumes."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from kiln_cli.failures import INTERRUPTED, NOT_IN_TIME, CommandFailed
from kiln_cli.operating.moments import date_and_time, since
from kiln_cli.operating.operations import operate
from kiln_cli.operating.session import OperatorCommand, OperatorSession
from kiln_cli.operating.slot_counts import described

app = typer.Typer(name="dispatch", help="Dispatch to the provider: status, pause, drain, resume.", no_args_is_help=True)

_LARGEST_COUNT = 1_000
_PAUSE_SECONDS = 2.0
_STAYS_PAUSED = "dispatch stays paused until you run kiln dispatch resume"


@app.command("status", cls=OperatorCommand)
def status(session: OperatorSession) -> None:
    """Show which tasks hold slots and which wait."""
    _print(session, operate(session.installation, "status"))


@app.command("pause", cls=OperatorCommand)
def pause(session: OperatorSession) -> None:
    """Stop giving slots to tasks. Running tasks finish; new tasks are accepted and wait in the queue."""
    _print(session, operate(session.installation, "pause"))


@app.command("resume", cls=OperatorCommand)
def resume(session: OperatorSession) -> None:
    """Give slots to tasks again, wake waiting tasks, and release the slots of ended tasks."""
    _print(session, operate(session.installation, "resume"))


@app.command("drain", cls=OperatorCommand)
def drain(
    session: OperatorSession,
    timeout: Annotated[float, typer.Option(help="Longest time to wait in seconds; dispatch stays paused")] = 7_200,
) -> None:
    """Pause, and wait until no task runs. Dispatch stays paused until kiln dispatch resume."""
    ends_at = time.monotonic() + timeout
    now = operate(session.installation, "pause")
    running = None
    try:
        while now["held"]:
            if len(now["running"]) != running:
                running = len(now["running"])
                session.terminal.remark(f"{running} running, {now['held']} slots held, {_waiting(now)} …")
            if time.monotonic() > ends_at:
                still = f"{_tasks(len(now['running']))} still running: {', '.join(now['running'])}"
                raise CommandFailed(f"{still}; {_STAYS_PAUSED}", NOT_IN_TIME)
            time.sleep(min(_PAUSE_SECONDS, max(0.0, ends_at - time.monotonic())))
            now = operate(session.installation, "status")
    except KeyboardInterrupt:
        raise CommandFailed(f"interrupted; {_STAYS_PAUSED}", INTERRUPTED) from None
    _print(session, now)


def lines(now: dict[str, Any]) -> list[str]:
    """The status of dispatch in words."""
    paused = f"paused for {since(now['paused_at'])}, since {date_and_time(now['paused_at'])}"
    free = now["slots"] - now["held"] - now["throttled"] - now["reserved"]
    slots = [f"{now['held']} of {now['slots']} held by {_tasks(len(now['running']))}", f"{max(free, 0)} free"]
    if now["throttled"]:
        slots.append(f"{now['throttled']} throttled because the provider was full")
    if now["reserved"]:
        slots.append(f"{now['reserved']} reserved for the next task")
    found = [
        f"dispatch  {paused if now['paused_at'] else 'open'}",
        f"slots     {', '.join(slots)}",
        f"queue     {_waiting(now)}",
    ]
    if now.get("closed_since"):
        found.append(f"provider  one task probes: {now['closed_because']}")
    found += _accounts(now.get("accounts", []))
    if now["next_task_id"]:
        found.append(f"next      {now['next_task_id']}, accepted {since(now['next_since'])} ago")
    found += [f"running   {task_id}" for task_id in now["running"] if task_id not in now["ended"]]
    found += [f"ended     {task_id}: about to release its slots, or they leaked" for task_id in now["ended"]]
    return found


def _accounts(accounts: list[dict[str, Any]]) -> list[str]:
    """A line for each of several accounts, and for an account that gets no new tasks."""
    return [
        f"account   {each['name']}: {_held(each)}{_closed(each)}"
        for each in accounts
        if len(accounts) > 1 or _closed(each)
    ]


def _held(account: dict[str, Any]) -> str:
    slots, held = account["slots"], account["held"]
    unusable = {name: account.get(name) or 0 for name in ("throttled", "reserved")}
    if isinstance(slots, dict):
        found = [f"{held} held", described(slots)]
    else:
        found = [f"{held} of {slots} held", f"{max(slots - held - sum(unusable.values()), 0)} free"]
    return ", ".join(found + [f"{count} {name}" for name, count in unusable.items() if count])


def _closed(account: dict[str, Any]) -> str:
    closed = account.get("closed_since") or 0
    found = f", closed for {since(closed)}: the provider refuses it" if closed else ""
    return found + (", draining" if account.get("is_draining") else "")


def _waiting(now: dict[str, Any]) -> str:
    waiting = now["waiting"]
    return f"{waiting:,}{' or more' if waiting >= _LARGEST_COUNT else ''} waiting"


def _tasks(count: int) -> str:
    return f"{count} task{'s' * (count != 1)}"


def _print(session: OperatorSession, now: dict[str, Any]) -> None:
    session.answer(now, *lines(now))
