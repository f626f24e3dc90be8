"""Plays a network without sockets on which every step takes its time, by its own clock."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpcore
import pytest

from kiln import request_deadline


class SlowNetwork(httpcore.NetworkBackend):
    """Every connection is answered with the same pieces, one for each read.

    Args:
        patch: Makes this network and its clock those of every request_deadline.
        answer: The pieces.
        seconds: How long each step takes.

    Attributes:
        now: The clock.
        steps: What was done, each with the seconds that it was allowed.
    """

    def __init__(self, patch: pytest.MonkeyPatch, answer: list[bytes], seconds: float = 0.0) -> None:
        self.answer = answer
        self.seconds = seconds
        self.now = 1_000.0
        self.steps: list[tuple[str, float | None]] = []
        patch.setattr(httpcore, "SyncBackend", lambda: self)
        patch.setattr(request_deadline, "time", SimpleNamespace(monotonic=lambda: self.now))

    def take(self, step: str, timeout: float | None, late: type[Exception]) -> None:
        """Lets a step's time pass; one that is allowed less fails when that is over, as on a real network."""
        self.steps.append((step, timeout))
        if timeout is not None and timeout < self.seconds:
            self.now += timeout
            raise late("slow")
        self.now += self.seconds

    def allowed(self, step: str) -> list[float | None]:
        """The seconds that each step of a kind was allowed."""
        return [seconds for name, seconds in self.steps if name == step]

    def connect_tcp(self, *args: Any) -> httpcore.NetworkStream:
        self.take("connect", args[2], httpcore.ConnectTimeout)
        return _SlowStream(self)


class _SlowStream(httpcore.MockStream):
    def __init__(self, network: SlowNetwork) -> None:
        super().__init__(list(network.answer))
        self._network = network

    def start_tls(self, *args: Any) -> httpcore.NetworkStream:
        self._network.take("tls", args[2], httpcore.ConnectTimeout)
        return self

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if buffer:
            self._network.take("write", timeout, httpcore.WriteTimeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._network.take("read", timeout, httpcore.ReadTimeout)
        return super().read(max_bytes, timeout)

    def get_extra_info(self, *_: str) -> None:
        """There is no socket to tell of."""
