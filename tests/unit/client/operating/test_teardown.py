"""``kiln teardown``: what it prints."""

from __future__ import annotations

import pytest

from kiln_cli.operating import teardown
from tests.unit.client.operating.conftest import Run


@pytest.mark.parametrize(("options", "is_said"), [((), False), (("--stop",), True)])
def test_stopped_workflows_are_counted_only_if_asked_to_stop(
    kiln: Run, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], is_said: bool
) -> None:
    monkeypatch.setattr(teardown, "blockers", lambda _: iter(()))
    monkeypatch.setattr(teardown, "_stop_all", lambda _: 0)
    done = kiln("teardown", "kiln", *options)
    assert (done.status, "workflows stopped: 0" in done.out) == (0, is_said)
    assert "stays: TableName kiln-table" in done.out
