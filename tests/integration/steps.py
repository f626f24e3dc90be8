"""Steps and assertions that several integration tests make on a running stack."""

from __future__ import annotations

import json
from typing import Any

import httpx
import jsonschema

from kiln_cli.acceptance.receiver import Webhook
from local.children import ROOT
from local.receiver import Receiver
from local.stack import TASKS_PATH
from tests.integration.client import NEVER, Client, JsonObject, wait_until
from tests.integration.driver import Deployment
from tests.integration.promise import assert_succeeded


def cancel(client: Client, either_id: str) -> httpx.Response:
    return client.send("POST", f"{TASKS_PATH}/{either_id}/cancel")


def fill_the_provider(kiln: Deployment, client: Client) -> str:
    """A task that holds every slot until the simulator is made to finish it."""
    kiln.set_faults(task_seconds=NEVER)
    blocking = client.create(n=9)
    wait_until(lambda: kiln.generations(blocking), "the provider is full")
    kiln.set_faults()
    return blocking


def assert_delivered(kiln: Deployment, client: Client, folder: str, *, n: int) -> JsonObject:
    """A drop became a task that succeeded, and its ``result.json`` tells of it."""
    result = kiln.result(folder, code=0)
    reported: JsonObject = result["data"]
    task = assert_succeeded(kiln, client, reported["task_id"], n=n)
    images = reported["task_result"]["images"]
    assert [image["url"] for image in images] == [image["url"] for image in task["task_result"]["images"]]
    for image in images:
        assert image["bucket"] == kiln.here["outbox_bucket"]
        # The images lie beside result.json, under the drop's own name.
        assert image["key"].startswith(f"{folder}/")
        assert len(kiln.read(image["key"]) or b"") == image["size"]
    return task


def assert_of_shape(document: Any, name: str) -> None:
    """It is what the published schema says."""
    schema = json.loads((ROOT / "docs" / "schemas" / name).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)


def webhooks(receiver: Receiver, status: str, count: int = 1) -> list[Webhook]:
    """Waits until so many webhooks of a status have come, and gives them."""

    def come() -> list[Webhook] | None:
        found = [request for request in list(receiver.received) if request.json()["task_status"] == status]
        return found if len(found) >= count else None

    return wait_until(come, f"{count} webhook(s) of {status} have come")


def callback_body(task: JsonObject) -> JsonObject:
    """The body of the contract's callback: the answer of *query* without the watermark and the prompt."""
    return {name: value for name, value in task.items() if name not in {"watermark_info", "prompt"}}
