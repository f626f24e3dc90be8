"""What the commands for pictures have in common: the options that say whom to talk to, and how to answer."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Annotated, Any, ClassVar, get_type_hints

import httpx
import typer

from kiln_cli.connection import Connection, find_connection
from kiln_cli.terminal import Terminal
from kiln_client import Kiln

TRANSPORT: ContextVar[httpx.BaseTransport | None] = ContextVar("TRANSPORT", default=None)
"""What commands send with, if not httpx's own."""

_PANEL = "Which Kiln, and how to answer"

Url = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="The API's address [KILN_URL]", rich_help_panel=_PANEL)
]
Key = Annotated[str | None, typer.Option("--key", metavar="KEY", help="Your key [KILN_KEY]", rich_help_panel=_PANEL)]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile", metavar="NAME", help="One that kiln login has kept [KILN_PROFILE]", rich_help_panel=_PANEL
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs", rich_help_panel=_PANEL)]
_OPTIONS: dict[str, tuple[Any, Any]] = {
    "url": (Url, None),
    "key": (Key, None),
    "profile": (Profile, None),
    "as_json": (AsJson, False),
}


class Session:
    """One run of a command: whom it talks to, and where it writes.

    Attributes:
        url: As given by option.
        key: As given by option.
        profile: As given by option.
        terminal: Where output goes.
    """

    def __init__(self, url: str | None, key: str | None, profile: str | None, *, as_json: bool) -> None:
        self.url = url
        self.key = key
        self.profile = profile
        self.terminal = Terminal(as_json=as_json)

    @functools.cached_property
    def connection(self) -> Connection:
        """Which Kiln to talk to."""
        return find_connection(self.url, self.key, self.profile)

    def kiln(self) -> Kiln:
        """A client of it."""
        return Kiln(self.connection.url, self.connection.key, transport=TRANSPORT.get())

    def kiln_at(self, url: str, key: str) -> Kiln:
        """A client of another one, to try an address and a key."""
        return Kiln(url, key, retries=0, transport=TRANSPORT.get())


class Command:
    """A function whose first argument is a session, to be mounted as a command with the common options.

    Attributes:
        options: The common options: their types and defaults, by the names that a session takes them by.
        session: Makes a session of them.
    """

    options: ClassVar[Mapping[str, tuple[Any, Any]]] = _OPTIONS
    session: ClassVar[type[Any]] = Session

    def __init__(self, function: Callable[..., None], name: str | None) -> None:
        self._function = function
        self._name = name or function.__name__

    def mount(self, app: typer.Typer, panel: str | None = None) -> None:
        """Makes it a command of an application, in the help's default panel unless another is named."""
        app.command(self._name, rich_help_panel=panel)(self._with_options())

    def _with_options(self) -> Callable[..., None]:
        @functools.wraps(self._function)
        def call(**given: Any) -> None:
            common = {name: given.pop(name) for name in self.options}
            self._function(self.session(**common), **given)

        # Typer reads a command's options off its signature.
        hints = get_type_hints(self._function, include_extras=True)
        own = list(inspect.signature(self._function).parameters.values())[1:]
        parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[each.name]) for each in own]
        for name, (kind, default) in self.options.items():
            option = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
            parameters.append(option)
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {each.name: each.annotation for each in parameters}
        del call.__wrapped__
        return call


def command(name: str | None = None) -> Callable[[Callable[..., None]], Command]:
    """Makes a function a command, named like it unless another name is given."""
    return lambda function: Command(function, name)
