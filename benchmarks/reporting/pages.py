"""Pages with generated tables: each table is between two comments, and the prose around it is written by hand."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence

from benchmarks import ROOT

DOCS = ROOT / "docs"

_TABLE = re.compile(r"(<!-- table: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table. Every column but the first is aligned right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def filled(text: str, tables: Mapping[str, str]) -> str:
    """Return the text of a page with its tables replaced.

    Raises:
        ValueError: The page has a table that is not given, or lacks one that is.
    """
    named = {match["name"] for match in _TABLE.finditer(text)}
    if named != set(tables):
        raise ValueError(f"the page must have the tables {sorted(tables)}, got {sorted(named)}")
    return _TABLE.sub(lambda match: f"{match[1]}{tables[match['name']]}\n{match[3]}", text)


def write(page: str, tables: Mapping[str, str]) -> None:
    """Write the tables into a page of ``docs/``."""
    path = DOCS / page
    path.write_text(filled(path.read_text(encoding="utf-8"), tables), encoding="utf-8")


def is_current(page: str, tables: Mapping[str, str]) -> bool:
    """Whether a page already has these tables."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return filled(text, tables) == text


def write_or_check(page: str, tables: Callable[[], Mapping[str, str]], *, module: str, target: str) -> int:
    """Write a page, or check it if the command line says ``--check``.

    Args:
        page: Below ``docs/``.
        tables: Makes the tables.
        module: The module that is run, for the help text.
        target: The make target that writes the page, for the message.

    Returns:
        The exit status: 1 if the checked page is out of date.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=f"Write the tables of docs/{page}.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page is out of date")
    if not parser.parse_args().check:
        write(page, tables())
        return 0
    if is_current(page, tables()):
        return 0
    print(f"docs/{page} is out of date. Run `make {target}`.", file=sys.stderr)
    return 1


def dollars(amount: float) -> str:
    """Return an amount with its significant digits."""
    if amount >= 100:
        return f"{amount:,.0f}"
    return f"{amount:.2f}" if amount >= 0.1 or amount == 0 else f"{amount:.4f}"
