"""Options that many commands share. Typer's own context carries their values."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand

from kiln_cli.terminal import Terminal


class CommandContext(typer.Context):
    """The context of one run of a command.

    Attributes:
        shared: The values of the shared options.
    """

    shared: dict[str, Any]

    @cached_property
    def terminal(self) -> Terminal:
        """Writes the command's output."""
        return Terminal(as_json=self.shared["as_json"])


class SharedOptionsCommand(TyperCommand):
    """A command that takes shared options after its own.

    Attributes:
        shared_options: A function whose signature declares the options; ``as_json`` is one of them.
        context_class: The type of the context that has their values.
    """

    shared_options: ClassVar[Callable[..., None]]
    context_class: Any = CommandContext

    def __init__(self, name: str | None = None, *, params: list[Any] | None = None, **settings: Any) -> None:
        self._shared = _parameters(type(self).shared_options)
        super().__init__(name, params=[*(params or []), *self._shared], **settings)

    def invoke(self, ctx: Any) -> Any:
        """Moves the shared options into the context and runs the command."""
        ctx.shared = {each.name: ctx.params.pop(each.name) for each in self._shared}
        return super().invoke(ctx)


@cache
def _parameters(declaration: Callable[..., None]) -> tuple[Any, ...]:
    app = typer.Typer(add_completion=False)
    app.command()(declaration)
    return tuple(typer.main.get_command(app).params)
