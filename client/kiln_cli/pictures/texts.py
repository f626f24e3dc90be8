"""Options that may name a source instead of holding the value: ``-`` is standard input, ``@FILE`` a file."""

from __future__ import annotations

import sys
from pathlib import Path

from kiln_cli.failures import USAGE, CommandFailed


def read_text(option: str, given: str | None) -> str | None:
    """The text of an option, without the line break at its end.

    Args:
        option: The option's name, for messages.
        given: The text; ``-`` for standard input, ``@FILE`` for a file. ``@@`` at the beginning is one ``@``.

    Raises:
        CommandFailed: The file cannot be read, or is not text in UTF-8.
    """
    if given is None or given.startswith("@@"):
        return given and given[1:]
    try:
        if given == "-":
            return sys.stdin.buffer.read().decode().rstrip("\r\n")
        if given.startswith("@") and len(given) > 1:
            return Path(given[1:]).read_bytes().decode("utf-8-sig").rstrip("\r\n")
    except OSError as error:
        escape = f"; for a value that begins with @ write {option} '@{given}'"
        raise CommandFailed(f"{option}: {given[1:]}: {error.strerror or error}{escape}", USAGE) from None
    except UnicodeDecodeError:
        raise CommandFailed(f"{option}: must be text in UTF-8, got another encoding", USAGE) from None
    return given


def read_piped_image(image: str) -> bytes:
    """The image on standard input.

    Raises:
        CommandFailed: Nothing is piped in.
    """
    if sys.stdin.isatty():
        raise CommandFailed(f"IMAGE: {image} reads an image from a pipe, and there is none", USAGE)
    return sys.stdin.buffer.read()
