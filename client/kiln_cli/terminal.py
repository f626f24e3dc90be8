"""What a command writes, and where: paths and ids for programs on stdout, everything for people only if people look."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


class Terminal:
    """Where a command's output goes.

    Attributes:
        as_json: Whether a program reads it as JSON.
        is_watched: Whether a person looks on: both streams are a terminal, and JSON is not asked for.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.is_watched = not as_json and sys.stdout.isatty() and sys.stderr.isatty()

    @cached_property
    def console(self) -> Console:
        """For what a person asked to see."""
        from rich.console import Console  # noqa: PLC0415 - a fifth of a second that pipes do not need

        return Console(highlight=False, soft_wrap=True, markup=False)

    @cached_property
    def aside(self) -> Console:
        """For what a person is told on the way, on stderr."""
        from rich.console import Console  # noqa: PLC0415 - as above

        return Console(stderr=True, highlight=False, soft_wrap=True, markup=False)

    def document(self, value: Any) -> None:
        """One JSON document on a line of its own."""
        try:
            print(json.dumps(value, ensure_ascii=False), flush=True)
        except UnicodeEncodeError:
            print(json.dumps(value), flush=True)

    def lines(self, lines: Iterable[str | Path]) -> None:
        """Plain lines, for people and programs alike."""
        for line in lines:
            try:
                print(line, flush=True)
            except UnicodeEncodeError:
                # A file's name need not be text, nor a pipe's encoding have every character.
                sys.stdout.buffer.write(os.fsencode(f"{line}{os.linesep}"))
                sys.stdout.buffer.flush()

    def rows(self, rows: Iterable[Sequence[object]]) -> None:
        """Lines of fields between tabs, for programs."""
        self.lines("\t".join(str(cell).replace("\t", " ").replace("\n", " ") for cell in row) for row in rows)

    def show(self, what: RenderableType) -> None:
        """Something formatted, for the person who looks on."""
        self.console.print(what)

    def remark(self, text: str) -> None:
        """A remark beside the output, if somebody looks on."""
        if self.is_watched:
            self.aside.print(text)
