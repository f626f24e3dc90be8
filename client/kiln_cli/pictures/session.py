"""The session of a command for pictures: which Kiln it talks to, and with which key."""

from __future__ import annotations

from contextvars import ContextVar
from functools import cached_property
from typing import Annotated

import httpx
import typer

from kiln_cli.command import CommandContext, SharedOptionsCommand
from kiln_cli.connection import Connection, find_connection
from kiln_client import Kiln

TRANSPORT: ContextVar[httpx.BaseTransport | None] = ContextVar("TRANSPORT", default=None)
"""Replaces httpx's own transport."""

_PANEL = "Connection and output"

Url = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="The API's address [KILN_URL]", rich_help_panel=_PANEL)
]
Key = Annotated[str | None, typer.Option("--key", metavar="KEY", help="Your key [KILN_KEY]", rich_help_panel=_PANEL)]
Profile = Annotated[
    str | None,
    typer.Option("--profile", metavar="NAME", help="A profile from kiln login [KILN_PROFILE]", rich_help_panel=_PANEL),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs", rich_help_panel=_PANEL)]


class Session(CommandContext):
    """One run of a command for pictures."""

    @property
    def url(self) -> str | None:
        """The option ``--url``."""
        url: str | None = self.shared["url"]
        return url

    @property
    def key(self) -> str | None:
        """The option ``--key``."""
        key: str | None = self.shared["key"]
        return key

    @property
    def profile(self) -> str | None:
        """The option ``--profile``."""
        profile: str | None = self.shared["profile"]
        return profile

    @cached_property
    def connection(self) -> Connection:
        """The Kiln to talk to."""
        return find_connection(self.url, self.key, self.profile)

    def kiln(self) -> Kiln:
        """A client of that Kiln."""
        return Kiln(self.connection.url, self.connection.key, transport=TRANSPORT.get())

    def kiln_at(self, url: str, key: str) -> Kiln:
        """A client of another Kiln, to try an address and a key."""
        return Kiln(url, key, retries=0, transport=TRANSPORT.get())


def _options(url: Url = None, key: Key = None, profile: Profile = None, as_json: AsJson = False) -> None:
    """Declares the options of every command for pictures."""


class PicturesCommand(SharedOptionsCommand):
    """A command that runs in a ``Session``."""

    shared_options = staticmethod(_options)
    context_class = Session
