"""``kiln teardown``: what it prints."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import pytest

from kiln_cli.operating import teardown
from kiln_cli.operating.installation import Installation
from local.stack import EVENTS_QUEUE
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


@pytest.mark.parametrize(("is_local", "blocking"), [(True, ["of-another"]), (False, [EVENTS_QUEUE, "of-another"])])
def test_rule_of_the_event_queue_blocks_only_off_the_local_stack(
    installation: Installation, is_local: bool, blocking: list[str]
) -> None:
    events, cloudformation, executions = Mock(), Mock(), Mock()
    events.list_rules.return_value = {"Rules": [{"Name": EVENTS_QUEUE}, {"Name": "of-another"}]}
    cloudformation.describe_stacks.return_value = {"Stacks": [{}]}
    cloudformation.get_paginator.return_value.paginate.return_value = []
    executions.get_paginator.return_value.paginate.return_value = []
    clients: dict[str, Any] = {"events": events, "cloudformation": cloudformation, "stepfunctions": executions}
    here = replace(installation, is_local=is_local)
    here.__dict__["outputs"] = {**installation.outputs, "EventBusName": "kiln-bus"}
    here._clients.update({**installation._clients, **clients})
    assert list(teardown.blockers(here)) == [
        f"rule {name} on the bus kiln-bus is not of this stack; its owner has to remove it" for name in blocking
    ]
