"""AWS's default quotas, as written down in ``quotas.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class Quota:
    """A quota.

    Attributes:
        large: In us-east-1, us-west-2 and eu-west-1.
        other: In every other region.
        page: Where AWS publishes it.
        what: What it limits.
    """

    large: int
    other: int
    page: str
    what: str


@cache
def quotas() -> dict[str, Quota]:
    """Return the quotas by name."""
    read = tomllib.loads(FILE.read_text(encoding="utf-8"))["quotas"]
    return {name: Quota(**quota) for name, quota in read.items()}
