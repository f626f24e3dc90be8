"""Edits of an installed library's sources. An edit that does not fit fails the build: the library has changed."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path


class ChangedLibraryError(Exception):
    """A library's source is no longer as an edit expects it: read the new source, and change the edit."""


def replace(path: Path, old: str, new: str) -> None:
    """Replaces a string that must be in a source exactly once.

    Raises:
        ChangedLibraryError: It is not.
    """
    source = path.read_text("utf-8") if path.exists() else ""
    if source.count(old) != 1:
        raise ChangedLibraryError(f"{path}: must contain once, contains {source.count(old)} times: {old!r}")
    path.write_text(source.replace(old, new), encoding="utf-8")


def definition(path: Path, name: str) -> ast.expr:
    """Returns the value that a source assigns to a name at its top level.

    Raises:
        ChangedLibraryError: It does not, or more than once.
    """
    found = [
        node.value
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.Assign) and [getattr(each, "id", "") for each in node.targets] == [name]
    ]
    if len(found) != 1:
        raise ChangedLibraryError(f"{path}: must define {name} once, defines it {len(found)} times")
    return found[0]


def remove_lines(path: Path, ranges: Iterable[tuple[int, int]]) -> None:
    """Removes lines, given the first and the last of each range, counted from 1.

    Raises:
        ChangedLibraryError: The rest is no Python.
    """
    lines = path.read_text("utf-8").splitlines(keepends=True)
    for first, last in sorted(ranges, reverse=True):
        del lines[first - 1 : last]
    source = "".join(lines)
    try:
        ast.parse(source)
    except SyntaxError as error:
        raise ChangedLibraryError(f"{path}: without its lines it is no Python: {error}") from error
    path.write_text(source, encoding="utf-8")
