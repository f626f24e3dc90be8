"""``kiln webhooks``: tests a receiver of webhooks."""

from __future__ import annotations

from typing import Annotated

import typer

from kiln_cli.failures import USAGE, CommandFailed
from kiln_cli.pictures.session import PicturesCommand, Session
from kiln_client.settings import is_address

app = typer.Typer(name="webhooks", help="Webhooks: test a receiver.", no_args_is_help=True)

Address = Annotated[str, typer.Argument(metavar="URL", help="The receiver's address")]


@app.command("test", cls=PicturesCommand)
def test(session: Session, receiver: Address) -> None:
    """Send one signed sample to a receiver and print its answer."""
    if not is_address(receiver):
        raise CommandFailed(f"URL: must start with https:// or http://, got {receiver}", USAGE)
    with session.kiln() as kiln:
        made = kiln.test_webhook(receiver)
    terminal = session.terminal
    if terminal.as_json:
        terminal.document(made.answer)
    elif made.is_delivered:
        terminal.lines([f"HTTP {made.http_status} after {made.milliseconds:,} ms"])
        terminal.remark(f"Sent with the headers {', '.join(made.signature_headers)}.")
    if not made.is_delivered:
        raise CommandFailed(f"the receiver did not accept the sample: {made.reason} ({made.milliseconds:,} ms)")
    if "webhook-signature" not in made.signature_headers:
        terminal.remark("The sample is not signed. Ask your operator for a webhook secret.")
