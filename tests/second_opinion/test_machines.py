"""The state machines, read by a validator of the Amazon States Language."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.second_opinion.tools import assert_agrees, node_tool
from tests.support.workflow import MACHINES, rendered


@pytest.mark.parametrize("machine", MACHINES)
def test_state_machine_is_valid(machine: str, tmp_path: Path) -> None:
    file = tmp_path / f"{machine}.asl.json"
    definition = json.dumps(rendered(machine))
    # The validator wants a resource to be an ARN.
    for name in ("DispatchFunction", "PollFunction", "CollectFunction", "ReleaseFunction", "NotifyFunction"):
        definition = definition.replace(
            f'"the-{name}"', f'"arn:aws:lambda:us-east-1:123456789012:function:{name}:live"'
        )
    file.write_text(definition, "utf-8")
    assert_agrees(node_tool("asl-validator"), "--json-path", file)
