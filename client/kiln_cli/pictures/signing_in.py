"""The command that keeps an address and a key, so that no other command needs them."""

from __future__ import annotations

import sys

import typer

from kiln_cli.connection import DEFAULT_PROFILE, LOCAL_PROFILE, config_file, write_profile
from kiln_cli.failures import USAGE, CommandFailed
from kiln_cli.pictures.command import Session, command


@command()
def login(session: Session) -> None:
    """Keep an API's address and your key as a profile, after trying them.

    The key is asked for, or read from a pipe.
    """
    name = session.profile or DEFAULT_PROFILE
    if name == LOCAL_PROFILE:
        raise CommandFailed(f"the profile {LOCAL_PROFILE} is the local stack; choose another name", USAGE)
    by_hand = sys.stdin.isatty()
    if not session.url and not by_hand:
        raise CommandFailed("--url: must be given where nobody can be asked", USAGE)
    url = (session.url or typer.prompt("The API's address (output ApiUrl of the stack)", err=True)).rstrip("/")
    key = session.key or (typer.prompt("Your key", hide_input=True, err=True) if by_hand else sys.stdin.readline())
    key = key.strip()
    if not key:
        # The client would take the environment's, which is for another place.
        raise CommandFailed("no key was given", USAGE)
    with session.kiln_at(url, key) as kiln:
        next(kiln.list(page_size=1), None)
    file = config_file()
    write_profile(file, name, url, key)
    if session.terminal.as_json:
        session.terminal.document({"profile": name, "url": url, "file": str(file)})
    else:
        which = "" if name == DEFAULT_PROFILE else f" --profile {name}"
        session.terminal.remark(f"Kept in {file}. Now: kiln submit{which} photo.png --prompt '…'")
