"""One measured figure and what it is held against."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A figure.

    Attributes:
        name: What was measured.
        measured: With its unit.
        reference: What ran beside it, with its unit.
        ratio: Measured to reference.
    """

    name: str
    measured: str
    reference: str
    ratio: str
