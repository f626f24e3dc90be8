"""What goes wrong, as a person or a program is told it: one line on stderr, and an exit status."""

from __future__ import annotations

import json
import sys
from typing import Protocol, runtime_checkable

import typer

from kiln_client import (
    AuthenticationFailed,
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

IS_IT_RUNNING = "is it running? make run starts the local stack"
"""For whoever has called this computer, where nobody listens."""

_STATUSES: tuple[tuple[type[KilnError], int], ...] = (
    (NotConfigured, NOT_REACHABLE),
    (NotReachable, NOT_REACHABLE),
    (AuthenticationFailed, NOT_KNOWN),
    (NotFound, NOT_FOUND),
    (WaitTimedOut, NOT_IN_TIME),
)


class CommandFailed(Exception):
    """A command that says itself what went wrong.

    Attributes:
        status: What the process ends with.
    """

    def __init__(self, message: str, status: int = FAILED) -> None:
        super().__init__(message)
        self.status = status


@runtime_checkable
class Complaint(Protocol):
    """What Typer raises about how a command was written."""

    exit_code: int

    def format_message(self) -> str:
        """What is wrong."""


def explain(error: Exception, *, as_json: bool) -> int:
    """Tells of an error and gives the exit status; what nobody has thought of is raised again."""
    told: dict[str, object] = {"message": str(error)}
    match error:
        case typer.Abort():
            return INTERRUPTED
        case CommandFailed():
            status = error.status
        case KilnError():
            status = next((number for kind, number in _STATUSES if isinstance(error, kind)), FAILED)
            if isinstance(error, Refused):
                told = {
                    "message": error.message,
                    "http_status": error.http_status,
                    "code": error.code,
                    "request_id": error.request_id,
                }
        case OSError():
            status = FAILED
            told = {"message": f"{error.filename}: {error.strerror}" if error.filename else str(error)}
        case Complaint():
            status = error.exit_code
            told = {"message": error.format_message()}
        case _:
            raise error
    if not told["message"]:
        # Typer has shown the help already.
        return status
    # What was done when it went wrong has added how to go on.
    how_to_go_on = getattr(error, "__notes__", [])
    if as_json:
        told["message"] = "; ".join([str(told["message"]), *how_to_go_on])
        line = json.dumps({"error": told}, ensure_ascii=False)
    else:
        line = "kiln: " + "; ".join([_line(error, str(told["message"])), *how_to_go_on])
    print(line, file=sys.stderr)
    return status


def _line(error: Exception, message: str) -> str:
    said = " ".join(message.split())
    if isinstance(error, AuthenticationFailed):
        return f"{said}; is the key right? kiln login keeps another one"
    if isinstance(error, NotListening):
        return f"{said}; {IS_IT_RUNNING}"
    if isinstance(error, Refused) and error.http_status >= 500 and error.request_id:
        return f"{said} (request {error.request_id})"
    return said
