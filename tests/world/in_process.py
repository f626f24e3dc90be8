"""The handlers with an in-process AWS, for the tables that need no stack."""

from __future__ import annotations

from tests.unit.conftest import _environment, _furnished, _no_sockets, cloud, measured

__all__ = ["_environment", "_furnished", "_no_sockets", "cloud", "measured"]
