"""``kiln provider-keys``: stores Kiln's keys for the provider, and checks that the provider accepts them."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from kiln_cli.failures import USAGE, CommandFailed
from kiln_cli.operating.operations import operate
from kiln_cli.operating.session import OperatorCommand, OperatorSession

app = typer.Typer(name="provider-keys", help="The provider's keys: set, check.", no_args_is_help=True)

_NOTE = "Warm functions use the old keys for up to half an hour: keep the old keys valid for that long."


@app.command("set", cls=OperatorCommand)
def set_keys(
    session: OperatorSession,
    api_key: Annotated[
        bool, typer.Option("--api-key", help="One API key instead of an access key and a secret key")
    ] = False,
    webhook_secret: Annotated[bool, typer.Option("--webhook-secret", help="Also the account's webhook secret")] = False,
) -> None:
    """Store new keys and check that the provider accepts them. Asks for the keys, or reads one per line from a pipe."""
    names = (["api_key"] if api_key else ["access_key", "secret_key"]) + (["webhook_secret"] if webhook_secret else [])
    given = {name: _read(name, names) for name in names}
    installation = session.installation
    client, arn = installation.client("secretsmanager"), installation.output("ProviderSecretArn")
    stored = _parsed(client.get_secret_value(SecretId=arn)["SecretString"])
    # Kiln prefers an API key to a pair of keys, so the old kind must be empty.
    changed = {**stored, "access_key": "", "secret_key": "", "api_key": "", **given}
    client.put_secret_value(SecretId=arn, SecretString=json.dumps(changed))
    session.terminal.remark(_NOTE)
    try:
        check(session)
    except CommandFailed as refused:
        raise CommandFailed(
            f"{refused}; the new keys are stored, the old ones are the secret's version AWSPREVIOUS"
        ) from None


@app.command("check", cls=OperatorCommand)
def check(session: OperatorSession) -> None:
    """Check that the provider accepts the stored keys. Kiln itself asks it."""
    checked = operate(session.installation, "check-provider")
    if session.terminal.as_json:
        session.terminal.document(checked)
    if not checked["accepted"]:
        raise CommandFailed(f"{checked['provider_url']} refuses the keys: {checked['reason']}")
    if not session.terminal.as_json:
        session.terminal.lines([f"{checked['provider_url']} accepts the keys."])


def _read(name: str, names: list[str]) -> str:
    words = name.replace("_", " ").replace("api", "API")
    has_terminal = sys.stdin.isatty()
    # The prompt must not be part of the output.
    value = typer.prompt(words, hide_input=True, default="", show_default=False, err=True) if has_terminal else None
    value = sys.stdin.readline() if value is None else str(value)
    if not value.strip():
        hint = "" if has_terminal else f"; there is no terminal to ask on, so pipe in one line each: {', '.join(names)}"
        raise CommandFailed(f"no {words} entered{hint}", USAGE)
    return value.strip()


def _parsed(secret: str) -> dict[str, Any]:
    try:
        found = json.loads(secret)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
