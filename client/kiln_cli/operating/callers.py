"""``kiln callers``: lists, adds, changes and revokes callers, and rotates their keys. New keys are shown once."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from typing import Annotated, Any

import typer

from kiln_cli.failures import USAGE, CommandFailed
from kiln_cli.operating import callers_secret
from kiln_cli.operating.callers_secret import COPY_MINUTES, CallersSecret, Entry, Keys
from kiln_cli.operating.session import OperatorCommand, OperatorSession
from kiln_cli.statuses import STATUSES, read_statuses

app = typer.Typer(name="callers", help="Callers: list, add, change, rotate keys, revoke.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The caller's name; its tasks have this name")]
_OLD_KEYS = f"Functions cache the secret: the old keys may work for up to {COPY_MINUTES} more minutes."
_NEW_KEYS = "The new keys work within 15 seconds. Store them now: they are not shown again."


@app.command("list", cls=OperatorCommand)
def list_callers(session: OperatorSession) -> None:
    """List the callers, without their secrets."""
    entries = CallersSecret(session.installation).read()
    default = int(session.installation.parameters.get("CallerTasksPerMinute") or 0)
    callers = [
        _description(name, list(mine), default)
        for name, mine in groupby(
            sorted(entries, key=lambda each: str(each["name"])), key=lambda each: str(each["name"])
        )
    ]
    terminal = session.terminal
    if terminal.as_json:
        terminal.document({"callers": callers})
        return
    if not terminal.is_watched:
        terminal.rows([*(" ".join(v) if isinstance(v, list) else v for v in each.values())] for each in callers)
        return
    from rich.table import Table  # noqa: PLC0415 - a pipe saves a fifth of a second

    heads = ("caller", "per minute", "units a month", "access keys", "API keys", "webhooks", "keys")
    table = Table(*heads, box=None, pad_edge=False)
    for each in callers:
        rotation = "old and new" if each["is_rotating"] else ""
        webhooks = ", ".join(["signed" if each["has_webhook_secret"] else "unsigned", *each["callback_statuses"]])
        access_keys = ", ".join(each["access_keys"])
        limits = (str(each["tasks_per_minute"]), str(each["units_per_month"] or "no limit"))
        table.add_row(str(each["name"]), *limits, access_keys, str(each["api_keys"]), webhooks, rotation)
    terminal.show(table if callers else "No callers yet. Add one with kiln callers add NAME.")


@app.command("add", cls=OperatorCommand)
def add(
    session: OperatorSession,
    name: Name,
    per_minute: Annotated[
        int | None, typer.Option(help="Tasks per minute; default is the installation's limit", min=1)
    ] = None,
    units_per_month: Annotated[
        int | None, typer.Option(help="Units its tasks may cost in a month (UTC); default is no budget", min=1)
    ] = None,
    low: Annotated[bool, typer.Option("--low", help="All its tasks wait behind every task of normal priority")] = False,
    webhook_secret: Annotated[bool, typer.Option("--webhook-secret", help="Sign the caller's webhooks")] = False,
    callback_statuses: Annotated[
        str | None,
        typer.Option(help=f"Notify its webhook URLs of these statuses only: {','.join(STATUSES)}", metavar="LIST"),
    ] = None,
) -> None:
    """Add a caller and show its keys once."""
    keys = Keys.new(name, webhook_secret=webhook_secret)
    limits = {
        "tasks_per_minute": per_minute,
        "units_per_month": units_per_month,
        "priority": "low" if low else None,
        "callback_statuses": read_statuses(callback_statuses),
    }
    secret = CallersSecret(session.installation)
    secret.write(callers_secret.add(secret.read(), keys, limits))
    _print_keys(session, keys, _NEW_KEYS)


@app.command("set", cls=OperatorCommand)
def change(
    session: OperatorSession,
    name: Name,
    units_per_month: Annotated[
        str | None, typer.Option(help="Units its tasks may cost in a month (UTC); none for no budget", metavar="N|none")
    ] = None,
    per_minute: Annotated[
        str | None,
        typer.Option(help="Tasks per minute; default for the installation's limit", metavar="N|default"),
    ] = None,
    low: Annotated[bool | None, typer.Option("--low/--normal", help="The priority of its tasks")] = None,
    callback_statuses: Annotated[
        str | None,
        typer.Option(help=f"Notify of these statuses: {','.join(STATUSES)}, or all", metavar="LIST|all"),
    ] = None,
) -> None:
    """Change a caller's budget, limit, priority or webhook statuses, for tasks created from then on."""
    limits: dict[str, object] = {}
    if units_per_month is not None:
        limits["units_per_month"] = _number("--units-per-month", units_per_month, "none")
    if per_minute is not None:
        limits["tasks_per_minute"] = _number("--per-minute", per_minute, "default")
    if low is not None:
        limits["priority"] = "low" if low else None
    if callback_statuses is not None:
        limits["callback_statuses"] = None if callback_statuses == "all" else read_statuses(callback_statuses)
    if not limits:
        raise CommandFailed("expected a change, got none; pass an option such as --units-per-month 4800", USAGE)
    secret = CallersSecret(session.installation)
    changed = callers_secret.change(secret.read(), name, limits)
    secret.write(changed)
    default = int(session.installation.parameters.get("CallerTasksPerMinute") or 0)
    answer = _description(name, callers_secret.of(changed, name), default)
    session.answer(answer, f"{name} is changed. The change takes effect within {COPY_MINUTES} minutes.")


@app.command("rotate", cls=OperatorCommand)
def rotate(
    session: OperatorSession,
    name: Name,
    finish: Annotated[bool, typer.Option("--finish", help="Remove the old keys")] = False,
    webhook_secret: Annotated[
        bool, typer.Option("--webhook-secret", help="Also replace the webhook secret, at once")
    ] = False,
) -> None:
    """Give a caller new keys. The old keys work too, until --finish."""
    secret = CallersSecret(session.installation)
    if finish:
        if webhook_secret:
            raise CommandFailed(
                "--webhook-secret: must not be passed with --finish; it is replaced when the rotation begins", USAGE
            )
        secret.write(callers_secret.finish(secret.read(), name))
        session.answer({"name": name, "finished": True}, f"{name} has only its new keys. {_OLD_KEYS}")
        return
    keys = Keys.new(name, webhook_secret=webhook_secret)
    secret.write(callers_secret.rotate(secret.read(), keys))
    note = f"{_NEW_KEYS}\nThe old keys work until you run kiln callers rotate {name} --finish."
    if webhook_secret:
        note += f"\nThe new secret signs webhooks within {COPY_MINUTES} minutes: accept both secrets until then."
    _print_keys(session, keys, note)


@app.command("revoke", cls=OperatorCommand)
def revoke(
    session: OperatorSession,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask")] = False,
) -> None:
    """Remove a caller. Its tasks keep running, and their results stay."""
    secret = CallersSecret(session.installation)
    left = callers_secret.revoke(secret.read(), name)
    session.confirm(f"Remove {name} from {session.installation.name}?", yes=yes, kept="nothing was changed")
    secret.write(left)
    session.answer({"name": name, "revoked": True}, f"{name} is removed. {_OLD_KEYS}")


def _number(option: str, given: str, nothing: str) -> int | None:
    """The number that an option sets; ``None`` for the word that removes it."""
    if given == nothing:
        return None
    if not (given.isascii() and given.isdigit() and int(given)):
        raise CommandFailed(f"{option}: must be a number from 1, or {nothing}, got {given}", USAGE)
    return int(given)


def _description(name: str, mine: list[Entry], default: int) -> dict[str, Any]:
    return {
        "name": name,
        "tasks_per_minute": mine[-1].get("tasks_per_minute") or default,
        "access_keys": [each["access_key"] for each in mine if each.get("access_key")],
        "api_keys": sum(len(each.get("api_keys", [])) for each in mine),
        "has_webhook_secret": bool(mine[0].get("webhook_secret")),
        "is_rotating": len(mine) > 1,
        "callback_statuses": mine[0].get("callback_statuses") or [],
        "units_per_month": mine[0].get("units_per_month") or 0,
        "priority": mine[0].get("priority") or "normal",
    }


def _print_keys(session: OperatorSession, keys: Keys, note: str) -> None:
    shown = {name: value for name, value in asdict(keys).items() if value}
    if session.terminal.as_json:
        session.terminal.document(shown)
        return
    session.terminal.lines(f"{name:<15} {value}" for name, value in shown.items())
    session.terminal.aside.print(note)
