"""``kiln provider-keys``: the keys that Kiln has of the provider, and whether the provider takes them."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from kiln_cli.failures import USAGE, CommandFailed
from kiln_cli.operating.command import OperatorSession, operator_command

app = typer.Typer(name="provider-keys", help="The provider's keys: set them, check them.", no_args_is_help=True)

_NOTE = "Functions that are warm use the old keys for up to half an hour: leave those valid for so long."


@operator_command(app, "set")
def set_keys(
    session: OperatorSession,
    api_key: Annotated[bool, typer.Option("--api-key", help="One API key instead of access and secret key")] = False,
    webhook_secret: Annotated[bool, typer.Option("--webhook-secret", help="The account's webhook secret too")] = False,
) -> None:
    """Store new keys, asked for or read from stdin by line, and have the provider asked whether it takes them."""
    names = (["api_key"] if api_key else ["access_key", "secret_key"]) + (["webhook_secret"] if webhook_secret else [])
    given = {name: _asked(name) for name in names}
    installation = session.installation
    client, arn = installation.client("secretsmanager"), installation.output("ProviderSecretArn")
    kept = _kept(client.get_secret_value(SecretId=arn)["SecretString"])
    # The API key comes first where there is one: the pair would never be used beside it.
    changed = {**kept, "access_key": "", "secret_key": "", "api_key": "", **given}
    client.put_secret_value(SecretId=arn, SecretString=json.dumps(changed))
    session.terminal.remark(_NOTE)
    try:
        check(session)
    except CommandFailed as refused:
        raise CommandFailed(
            f"{refused}. They are stored; the former ones are the secret's version AWSPREVIOUS"
        ) from None


@operator_command(app, "check")
def check(session: OperatorSession) -> None:
    """Have the provider asked, by Kiln itself and with the keys that are stored, whether it takes them."""
    checked = session.installation.operate("check-provider")
    if session.terminal.as_json:
        session.terminal.document(checked)
    if not checked["accepted"]:
        raise CommandFailed(f"{checked['provider_url']} does not take the keys: {checked['reason']}")
    if not session.terminal.as_json:
        session.terminal.lines([f"{checked['provider_url']} takes the keys."])


def _asked(name: str) -> str:
    value = typer.prompt(name, hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    if not value.strip():
        raise CommandFailed(f"{name}: nothing came", USAGE)
    return str(value).strip()


def _kept(text: str) -> dict[str, Any]:
    try:
        kept = json.loads(text)
    except ValueError:
        return {}
    return kept if isinstance(kept, dict) else {}
