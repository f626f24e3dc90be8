"""``kiln login``: stores an address and a key as a profile."""

from __future__ import annotations

import sys

import typer

from kiln_cli.connection import DEFAULT_PROFILE, LOCAL_PROFILE, config_file, write_profile
from kiln_cli.failures import USAGE, CommandFailed
from kiln_cli.pictures.session import Session


def login(session: Session) -> None:
    """Store an API's address and your key as a profile, after a test.

    Asks for the key, or reads it from a pipe.
    """
    name = session.profile or DEFAULT_PROFILE
    if name == LOCAL_PROFILE:
        raise CommandFailed(f"--profile: {LOCAL_PROFILE} is the local stack; choose another name", USAGE)
    has_terminal = sys.stdin.isatty()
    if not session.url and not has_terminal:
        raise CommandFailed("--url is required when there is no terminal to ask on", USAGE)
    url = (session.url or typer.prompt("API address (output ApiUrl of the stack)", err=True)).rstrip("/")
    key = (session.key or (_ask_for_key() if has_terminal else sys.stdin.readline())).strip()
    if not key:
        # The client would use KILN_KEY, which may belong to another address.
        hint = "" if has_terminal else "; pass --key, or pipe the key in"
        raise CommandFailed(f"no key entered{hint}", USAGE)
    with session.kiln_at(url, key) as kiln:
        next(kiln.list(page_size=1), None)
    file = config_file()
    write_profile(file, name, url, key)
    if session.terminal.as_json:
        session.terminal.document({"profile": name, "url": url, "file": str(file)})
    else:
        option = "" if name == DEFAULT_PROFILE else f" --profile {name}"
        session.terminal.remark(f"Stored in {file}. Try: kiln submit{option} photo.png --prompt '…'")


def _ask_for_key() -> str:
    key: str = typer.prompt("Your key", hide_input=True, err=True)
    return key
