"""The slots item in tests: acquiring as dispatch does, a served turn, and a competing client."""

from __future__ import annotations

from typing import Any

from kiln.slots.store import Slots
from kiln.tasks import items
from kiln.tasks.store import TaskStore
from tests.support.account import ENVIRONMENT


def take(cloud: Any, slots: Slots, task_id: str, n: int) -> bool:
    """Acquires a stored task's slots, as the step Dispatch does first."""
    task = TaskStore().get(task_id)
    assert task.n == n
    if not slots.acquire(task):
        return False
    TaskStore().begin_dispatch(task_id)
    return True


def serve(cloud: Any, turn: int) -> None:
    """Records that the queue has been served up to a turn."""
    cloud.dynamodb.update_item(
        TableName=ENVIRONMENT["TABLE_NAME"],
        Key=items.SLOTS_KEY,
        UpdateExpression="SET virtual_time = :turn",
        ExpressionAttributeValues={":turn": {"N": str(turn)}},
    )


class Contended:
    """A DynamoDB client that runs another client's step before each of the next conditional writes."""

    def __init__(self, client: Any, meanwhile: list[Any]) -> None:
        self._client = client
        self._meanwhile = meanwhile
        self.exceptions = client.exceptions

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def update_item(self, **request: Any) -> Any:
        if "ConditionExpression" in request and self._meanwhile:
            self._meanwhile.pop(0)()
        return self._client.update_item(**request)
