"""Writes a command's output: results for programs on stdout, progress and remarks only if a person is watching."""

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
    """The output of one command.

    Attributes:
        as_json: Whether the output is JSON.
        is_watched: Whether a person is watching: both streams are a terminal, and the output is not JSON.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.is_watched = not as_json and sys.stdout.isatty() and sys.stderr.isatty()

    @cached_property
    def console(self) -> Console:
        """Formats the results, on stdout."""
        from rich.console import Console  # noqa: PLC0415 - a pipe saves a fifth of a second

        return Console(highlight=False, soft_wrap=True, markup=False)

    @cached_property
    def aside(self) -> Console:
        """Formats remarks and progress, on stderr."""
        from rich.console import Console  # noqa: PLC0415 - as above

        return Console(stderr=True, highlight=False, soft_wrap=True, markup=False)

    def document(self, value: Any) -> None:
        """Prints one JSON document on one line."""
        try:
            print(json.dumps(value, ensure_ascii=False), flush=True)
        except UnicodeEncodeError:
            print(json.dumps(value), flush=True)

    def lines(self, lines: Iterable[str | Path]) -> None:
        """Prints plain lines."""
        for line in lines:
            try:
                print(line, flush=True)
            except UnicodeEncodeError:
                # A file's name may be no valid text, or the pipe's encoding may lack a character.
                sys.stdout.buffer.write(os.fsencode(f"{line}{os.linesep}"))
                sys.stdout.buffer.flush()

    def rows(self, rows: Iterable[Sequence[object]]) -> None:
        """Prints lines of fields with tabs between."""
        self.lines("\t".join(str(cell).replace("\t", " ").replace("\n", " ") for cell in row) for row in rows)

    def show(self, content: RenderableType) -> None:
        """Prints something formatted, for a person."""
        self.console.print(content)

    def remark(self, text: str) -> None:
        """Prints a remark if a person is watching."""
        if self.is_watched:
            self.aside.print(text)
