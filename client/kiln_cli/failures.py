"""Errors as a person or a program gets them: one line on stderr, and an exit status."""

from __future__ import annotations

import json
import re
import sys
from typing import Protocol, runtime_checkable

import typer

from kiln_client import (
    AuthenticationFailed,
    InvalidImage,
    InvalidSetting,
    KilnError,
    NotConfigured,
    NotFound,
    NotListening,
    NotReachable,
    Refused,
    WaitTimedOut,
)

FAILED = 1
USAGE = 2
NOT_REACHABLE = 3
NOT_KNOWN = 4
NOT_FOUND = 5
NOT_IN_TIME = 124
INTERRUPTED = 130

START_THE_STACK = "the local stack isn't running; start it with make up"
"""The hint for an address of this computer that does not answer."""

_STATUSES: tuple[tuple[type[KilnError], int], ...] = (
    (InvalidSetting, USAGE),
    (InvalidImage, USAGE),
    (NotConfigured, NOT_REACHABLE),
    (NotReachable, NOT_REACHABLE),
    (AuthenticationFailed, NOT_KNOWN),
    (NotFound, NOT_FOUND),
    (WaitTimedOut, NOT_IN_TIME),
)
"""The exit statuses of the client's errors; the first class that fits counts."""

_PLAIN: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"External_(task|batch)_id (.+) already exists"), r"you already have a \1 with the id \2"),
    (
        re.compile(r"the URL could not be fetched: [^;]*(?:not known|name resolution|nodename|No address)[^;]*"),
        "couldn't download the picture: the address wasn't found",
    ),
)
"""Sentences of the API and the provider, and the same in plain words."""

_SUBJECT = re.compile(r"\bsubject_image_list\[(\d+)\]\.subject_image\b")


class CommandFailed(Exception):
    """A command has failed; the message says why.

    Attributes:
        status: The process's exit status.
    """

    def __init__(self, message: str, status: int = FAILED) -> None:
        super().__init__(message)
        self.status = status


@runtime_checkable
class UsageError(Protocol):
    """The error that Typer raises for wrong arguments."""

    exit_code: int

    def format_message(self) -> str:
        """Returns the reason."""


def report(error: Exception, *, as_json: bool) -> int:
    """Prints an error and returns the exit status; an unexpected error is raised again."""
    content: dict[str, object] = {"message": str(error)}
    match error:
        case typer.Abort():
            return INTERRUPTED
        case CommandFailed():
            status = error.status
        case KilnError():
            status = next((number for kind, number in _STATUSES if isinstance(error, kind)), FAILED)
            if isinstance(error, Refused):
                content = {
                    "message": error.message,
                    "http_status": error.http_status,
                    "code": error.code,
                    "request_id": error.request_id,
                }
        case OSError():
            status = FAILED
            content = {"message": f"{error.filename}: {error.strerror}" if error.filename else str(error)}
        case UsageError():
            status = error.exit_code
            content = {"message": _number_refused(error) or error.format_message()}
        case _:
            raise error
    if not content["message"]:
        # Typer has printed the help already.
        return status
    # The commands add their hints as notes.
    hints = getattr(error, "__notes__", [])
    if as_json:
        content["message"] = "; ".join([str(content["message"]), *hints])
        line = json.dumps({"error": content}, ensure_ascii=False)
    else:
        line = "kiln: " + "; ".join([_line(error, str(content["message"])), *hints])
    print(line, file=sys.stderr)
    return status


def _number_refused(error: Exception) -> str:
    """The option, its limit and the value, where that is no number or outside the limit; empty for any other error."""
    option, checked = getattr(error, "param", None), error.__cause__ or error.__context__
    # Typer's own message is pydantic's, which names neither the limit as a whole nor the value.
    found = checked.errors() if checked is not None and hasattr(checked, "errors") else []
    if option is None or not found or not hasattr(option, "min"):
        return ""
    match (option.min, option.max):
        case (None, None):
            limit = "a number"
        case (least, None):
            limit = f"a number from {least}"
        case (least, most):
            limit = f"a number from {least} to {most}"
    return f"{option.opts[0]}: must be {limit}, got {found[0].get('input')}"


def _line(error: Exception, message: str) -> str:
    line = _SUBJECT.sub(lambda found: f"subject {int(found[1]) + 1}", " ".join(message.split()))
    for pattern, words in _PLAIN:
        line = pattern.sub(words, line)
    if isinstance(error, AuthenticationFailed):
        return f"{line}; check your key, or store another one with kiln login"
    if isinstance(error, NotListening):
        return f"{line}; {START_THE_STACK}"
    if isinstance(error, Refused) and error.http_status >= 500 and error.request_id:
        return f"{line} (request {error.request_id})"
    return line
