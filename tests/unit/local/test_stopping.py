"""The end of a local stack: what Ctrl-C prints, and a second signal."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from local import __main__ as command


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Restores the handlers of both signals."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_stopped_stack_says_what_is_gone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stop(*_: object) -> int:
        raise command.Stop

    monkeypatch.setattr(sys, "argv", ["local", "up"])
    monkeypatch.setattr(command, "_serve", stop)
    assert command.main() == 0
    assert capsys.readouterr().out == "Stopped. Tasks and pictures of this stack are gone; saved files stay.\n"


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_second_signal_ends_the_process_at_once(
    second: signal.Signals, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    statuses: list[int] = []
    monkeypatch.setattr(os, "_exit", statuses.append)
    monkeypatch.setattr(command, "_SAME_REQUEST_S", 0.0)
    with pytest.raises(command.Stop):
        command._stop(signal.SIGTERM, None)
    assert statuses == []
    os.kill(os.getpid(), second)
    assert statuses == [command.INTERRUPTED]
    assert capfd.readouterr().out == "\nStopping…\n\nEnded at once; its processes end by themselves.\n"


def test_sigterm_that_comes_twice_in_one_moment_stops_the_stack_once(monkeypatch: pytest.MonkeyPatch) -> None:
    statuses: list[int] = []
    monkeypatch.setattr(os, "_exit", statuses.append)
    monkeypatch.setattr(command, "_SAME_REQUEST_S", 3_600.0)
    with pytest.raises(command.Stop):
        command._stop(signal.SIGTERM, None)
    os.kill(os.getpid(), signal.SIGTERM)
    assert statuses == []
