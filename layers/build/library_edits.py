"""Edits of an installed library's sources. An edit that does not fit fails the build: the library has changed."""

from __future__ import annotations

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
