"""The expected instruction ratios (``expected_instructions.json``), which ``make check-…`` compares new counts with."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FILE = Path(__file__).with_suffix(".json")

Group = Literal["cold_start", "warm"]


@dataclass(frozen=True)
class Comparison:
    """A new ratio beside the expected one; ``expected`` is 0 for a ratio that was never written."""

    name: str
    ratio: float
    expected: float
    tolerance: float

    @property
    def is_exceeded(self) -> bool:
        """Whether the ratio is above the expected one by more than the tolerance."""
        return self.ratio > self.expected * (1 + self.tolerance)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--check`` and ``--write``, which exclude each other."""
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="fail if a ratio is above the expected one")
    mode.add_argument("--write", action="store_true", help="write these ratios as the expected ones")


def compare(group: Group, ratios: Mapping[str, float], tolerance: float) -> list[Comparison]:
    """Compare new ratios with the expected ones, in the order given."""
    expected = _read().get(group, {})
    return [Comparison(name, ratio, expected.get(name, 0.0), tolerance) for name, ratio in ratios.items()]


def write(group: Group, ratios: Mapping[str, float], path: Path = FILE) -> None:
    """Replace the expected ratios that are given; the others stay."""
    expected = _read(path)
    expected.setdefault(group, {}).update(ratios)
    path.write_text(json.dumps(expected, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _read(path: Path = FILE) -> dict[str, dict[str, float]]:
    return json.loads(path.read_text("utf-8")) if path.exists() else {}
