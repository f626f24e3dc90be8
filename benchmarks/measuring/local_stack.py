"""Steps of the measurements on a local stack: create tasks, read their items, inject faults, wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from local.stack import TASKS_PATH, Stack


class StackClient:
    """A caller of a local stack that can also look behind its API.

    Args:
        stack: The stack.
    """

    def __init__(self, stack: Stack) -> None:
        self.aws = stack.clients
        self.here = stack.description
        self.api = http_client(self.here["api_url"], self.here["api_key"])

    def create(self, body: Mapping[str, Any]) -> str:
        """Create a task over the API and return its id."""
        return created(self.api, body)

    def task(self, task_id: str) -> dict[str, Any]:
        """Return a task as the API shows it."""
        return data_of(self.api.get(f"{TASKS_PATH}/{task_id}"))

    def item(self, task_id: str) -> dict[str, Any]:
        """Return a task's item in DynamoDB; empty if there is none."""
        key = {"pk": {"S": f"TASK#{task_id}"}}
        return dict(self.aws.dynamodb.get_item(TableName=self.here["table"], Key=key).get("Item", {}))

    def set_faults(self, **faults: object) -> None:
        """Replace the faults of the simulated provider."""
        httpx.post(f"{self.here['provider_control_url']}/faults", json=faults, trust_env=False).raise_for_status()

    def callbacks_sent(self) -> int:
        """Return how many callbacks the simulated provider has sent."""
        stats = httpx.get(f"{self.here['provider_control_url']}/stats", trust_env=False).json()
        return int(stats["callbacks_sent"])


def http_client(url: str, token: str) -> httpx.Client:
    """Return a client that sends a bearer token and ignores the environment's proxies."""
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False)


def created(client: httpx.Client, body: Mapping[str, Any]) -> str:
    """Create a task, at Kiln or at the provider, and return its id."""
    return str(data_of(client.post(TASKS_PATH, json=body))["task_id"])


def data_of(answer: httpx.Response) -> dict[str, Any]:
    """Return the data of a successful answer."""
    answer.raise_for_status()
    data: dict[str, Any] = answer.json()["data"]
    return data


def wait_until(condition: Callable[[], object], what: str, *, at_most_s: float, every_s: float = 0.05) -> None:
    """Wait until a condition holds.

    Args:
        condition: Returns something true once it holds.
        what: The condition in words, for the message.
        at_most_s: How long to wait.
        every_s: How often to look.

    Raises:
        TimeoutError: The condition did not hold in time.
    """
    deadline = time.monotonic() + at_most_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {at_most_s:g} s without success until {what}")
        time.sleep(every_s)
