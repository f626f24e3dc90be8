"""The expected instruction ratios (``expected_instructions.json``), which ``make check-…`` compares new counts with."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

FILE = Path(__file__).with_suffix(".json")

Group = Literal["cold_start", "warm"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--check`` and ``--write``, which exclude each other."""
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="fail if a ratio is above the expected one")
    mode.add_argument("--write", action="store_true", help="write these ratios as the expected ones")


def compare(
    group: Group,
    ratios: Mapping[str, float],
    arguments: argparse.Namespace,
    *,
    tolerance: float,
    line: Callable[[str, float], str],
) -> int:
    """Print new ratios, and check or write them as the command line says.

    Args:
        group: Which ratios they are.
        ratios: By name.
        arguments: As :func:`add_arguments` defines them.
        tolerance: How far a ratio may be above the expected one, as a share of it.
        line: Makes a printed line of a name and its ratio.

    Returns:
        The exit status: 1 if ``--check`` found a ratio above the expected one.
    """
    expected = _read().get(group, {})
    status = 0
    for name, ratio in ratios.items():
        known = expected.get(name, 0.0)
        is_exceeded = arguments.check and ratio > known * (1 + tolerance)
        status |= is_exceeded
        print(line(name, ratio) + (f", expected {known}" if is_exceeded else ""))
    if arguments.write:
        _write(group, ratios)
    return status


def _read() -> dict[str, dict[str, float]]:
    return json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}


def _write(group: Group, ratios: Mapping[str, float]) -> None:
    """Replace the expected ratios that are given; the others stay."""
    expected = _read()
    expected.setdefault(group, {}).update(ratios)
    FILE.write_text(json.dumps(expected, indent=2, sort_keys=True) + "\n", encoding="utf-8")
