"""The processes that ``make up`` starts before anyone needs them."""

from __future__ import annotations

import httpx
import pytest

from local import __main__ as command

HERE = {"api_url": "http://127.0.0.1:8080", "api_key": "a-key"}


def test_create_that_is_refused_is_sent_after_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, object]] = []
    monkeypatch.setattr(httpx, "post", lambda url, **how: sent.append((url, how["content"])))
    command.start_submit(HERE)
    assert sent == [("http://127.0.0.1:8080/v1/images/multi-image2image", b"{}")]


def test_stack_that_stops_meanwhile_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise httpx.ConnectError("connection refused")

    monkeypatch.setattr(httpx, "post", refuse)
    command.start_submit(HERE)
