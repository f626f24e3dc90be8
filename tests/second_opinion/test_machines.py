"""The state machines, read by a validator of the Amazon States Language, and run by moto's interpreter of it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.second_opinion.tools import assert_agrees, node_tool, python_tool
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


def test_task_is_taken_to_its_end_by_another_interpreter() -> None:
    """It waits in the queue and is woken; at the provider, the timer wakes it; an image is awaited."""
    definition = rendered("TaskWorkflow")
    definition["States"]["AwaitCallback"]["TimeoutSeconds"] = 1
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(
        [python_tool("python"), Path(__file__).with_name("interpreter.py")],
        input=json.dumps(definition),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, **keys},
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    found = json.loads(done.stdout)
    assert found["states"] == [
        *("PublishSubmitted", "Dispatch", "IsDispatched?", "AwaitTurn"),
        *("Dispatch", "IsDispatched?", "AwaitCallback"),
        *("Poll", "IsGenerated?", "AwaitCallback"),
        *("Poll", "IsGenerated?", "Collect", "AreImagesStored?", "WaitToCollect"),
        *("Collect", "AreImagesStored?", "PublishEnd", "Done"),
    ]
    assert found["status"] == "SUCCEEDED"
