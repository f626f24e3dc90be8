"""``kiln callers``: who may call. New keys are shown once, and nowhere else."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from typing import Annotated, Any

import typer

from kiln_cli.failures import CommandFailed
from kiln_cli.operating import callers_secret
from kiln_cli.operating.callers_secret import COPY_MINUTES, CallersSecret, Entry, Keys
from kiln_cli.operating.command import OperatorSession, operator_command

app = typer.Typer(name="callers", help="Who may call: list, add, rotate keys, revoke.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The caller; its tasks are filed under this name")]
_OLD_KEYS = f"Functions keep a copy of the secret: the old keys may work for up to {COPY_MINUTES} minutes more."
_NEW_KEYS = "The new keys work within 15 seconds. They are not shown again."


@operator_command(app, "list")
def list_callers(session: OperatorSession) -> None:
    """List the callers, without their secrets."""
    entries = CallersSecret(session.installation).read()
    default = int(session.installation.parameters.get("CallerTasksPerMinute") or 0)
    callers = [
        _described(name, list(mine), default)
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
    from rich.table import Table  # noqa: PLC0415 - a fifth of a second that pipes do not need

    table = Table("caller", "a minute", "access keys", "API keys", "webhooks", "keys", box=None, pad_edge=False)
    for each in callers:
        rotation = "old and new" if each["is_rotating"] else ""
        signed = "signed" if each["has_webhook_secret"] else "unsigned"
        access_keys = ", ".join(each["access_keys"])
        table.add_row(
            str(each["name"]), str(each["tasks_per_minute"]), access_keys, str(each["api_keys"]), signed, rotation
        )
    terminal.show(table if callers else "Nobody may call yet. kiln callers add NAME lets somebody in.")


@operator_command(app, "add")
def add(
    session: OperatorSession,
    name: Name,
    per_minute: Annotated[
        int | None, typer.Option(help="Tasks a minute; the installation's default if not given", min=1)
    ] = None,
    webhook_secret: Annotated[bool, typer.Option("--webhook-secret", help="Sign what is posted to it")] = False,
) -> None:
    """Let a caller in and show its keys, once."""
    secret = CallersSecret(session.installation)
    keys = Keys.new(name, webhook_secret=webhook_secret)
    secret.write(callers_secret.add(secret.read(), keys, per_minute or 0))
    _hand_over(session, keys, _NEW_KEYS)


@operator_command(app, "rotate")
def rotate(
    session: OperatorSession,
    name: Name,
    finish: Annotated[bool, typer.Option("--finish", help="End the old keys, once nobody uses them")] = False,
    webhook_secret: Annotated[bool, typer.Option("--webhook-secret", help="Replace that too, at once")] = False,
) -> None:
    """Give a caller new keys beside the old ones; both work until --finish."""
    secret = CallersSecret(session.installation)
    if finish:
        if webhook_secret:
            raise CommandFailed("the webhook secret is replaced when the rotation begins, not with --finish")
        secret.write(callers_secret.finish(secret.read(), name))
        _tell(session, {"name": name, "finished": True}, f"{name} has its new keys only. {_OLD_KEYS}")
        return
    keys = Keys.new(name, webhook_secret=webhook_secret)
    secret.write(callers_secret.rotate(secret.read(), keys))
    note = f"{_NEW_KEYS} The old ones work too, until: kiln callers rotate {name} --finish"
    if webhook_secret:
        note += f"\nWebhooks are signed with the new secret within {COPY_MINUTES} minutes: accept both for so long."
    _hand_over(session, keys, note)


@operator_command(app, "revoke")
def revoke(
    session: OperatorSession,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask")] = False,
) -> None:
    """Shut a caller out. Its tasks go on, and their results stay."""
    secret = CallersSecret(session.installation)
    left = callers_secret.revoke(secret.read(), name)
    if not yes and not (
        session.terminal.is_watched and typer.confirm(f"Shut {name} out of {session.installation.name}?")
    ):
        raise CommandFailed(f"nothing was changed; kiln callers revoke {name} --yes shuts it out")
    secret.write(left)
    _tell(session, {"name": name, "revoked": True}, f"{name} is shut out. {_OLD_KEYS}")


def _described(name: str, mine: list[Entry], default: int) -> dict[str, Any]:
    return {
        "name": name,
        "tasks_per_minute": mine[-1].get("tasks_per_minute") or default,
        "access_keys": [each["access_key"] for each in mine if each.get("access_key")],
        "api_keys": sum(len(each.get("api_keys", [])) for each in mine),
        "has_webhook_secret": bool(mine[0].get("webhook_secret")),
        "is_rotating": len(mine) > 1,
    }


def _hand_over(session: OperatorSession, keys: Keys, note: str) -> None:
    given = {name: value for name, value in asdict(keys).items() if value}
    if session.terminal.as_json:
        session.terminal.document(given)
        return
    session.terminal.lines(f"{name:<15} {value}" for name, value in given.items())
    session.terminal.aside.print(note)


def _tell(session: OperatorSession, document: dict[str, object], sentence: str) -> None:
    if session.terminal.as_json:
        session.terminal.document(document)
    else:
        session.terminal.lines([sentence])
