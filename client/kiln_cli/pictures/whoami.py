"""``kiln whoami`` and ``kiln logout``: which Kiln the commands talk to, and how to forget it."""

from __future__ import annotations

from kiln_cli.connection import DEFAULT_PROFILE, LOCAL_PROFILE, config_file, remove_profile
from kiln_cli.failures import USAGE, CommandFailed
from kiln_cli.pictures.session import Session

_SHOWN_CHARACTERS = 4


def whoami(session: Session) -> None:
    """Show which Kiln the commands talk to, and test the key."""
    connection = session.connection
    with session.kiln() as kiln:
        next(kiln.list(page_size=1), None)
    # The end of a key tells two keys apart and gives none away.
    key = f"…{connection.key[-_SHOWN_CHARACTERS:]}"
    if session.terminal.as_json:
        session.terminal.document({"url": connection.url, "key": key, "from": connection.origin})
        return
    session.terminal.lines([f"{connection.url}", f"key {key}, from {connection.origin}; Kiln accepts it"])


def logout(session: Session) -> None:
    """Remove a stored address and key: the profile default, or the one of --profile."""
    name = session.profile or DEFAULT_PROFILE
    if name == LOCAL_PROFILE:
        raise CommandFailed(f"--profile: {LOCAL_PROFILE} is the local stack; it has no stored key", USAGE)
    file = config_file()
    if not remove_profile(file, name):
        raise CommandFailed(f"no profile {name} in {file}", USAGE)
    if session.terminal.as_json:
        session.terminal.document({"profile": name, "file": str(file)})
    else:
        session.terminal.remark(f"Removed profile {name} from {file}. The key itself still works.")
