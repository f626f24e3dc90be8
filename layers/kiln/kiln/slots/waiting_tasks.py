"""The first tasks of the queue, as a hand-over needs them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kiln.slots.hand_over import Waiting
from kiln.slots.pools import Pool
from kiln.slots.state import SlotState
from kiln.tasks import items
from kiln.tasks.table import TableAccess

_MOST_DESCRIBED = 100
"""DynamoDB reads so many items at once."""


class WaitingTasks(TableAccess):
    """The tasks that wait for slots, as the index lists them."""

    def first(self, pools: list[Pool], free: dict[Pool, int], state: SlotState) -> list[Waiting]:
        """The first tasks of the queue: past all that may already hold slots, and as many as could get some."""
        answer = self._client.query(
            TableName=self._table,
            IndexName=items.BY_TURN,
            KeyConditionExpression="queue = :waiting",
            ExpressionAttributeValues=items.values(waiting=items.WAITING),
            Limit=sum(pool.limit for pool in pools) + sum(free.values()) + 1,
        )
        queue = [Waiting(item["task_id"]["S"], int(item["n"]["N"]), int(item["turn"]["N"])) for item in answer["Items"]]
        return queue if len(pools) == 1 else self._described(queue, set(state.tasks))

    def _described(self, queue: list[Waiting], holding: set[str]) -> list[Waiting]:
        """Adds models and accounts, which the index does not have. A task that is not stored is left out."""
        without = [each.task_id for each in queue if each.task_id not in holding][:_MOST_DESCRIBED]
        if not without:
            return queue
        keys = [items.task_key(task_id) for task_id in without]
        request: Any = {
            "Keys": keys,
            "ProjectionExpression": "pk, model_name, #account",
            "ExpressionAttributeNames": {"#account": "account"},
        }
        answer = self._client.batch_get_item(RequestItems={self._table: request})
        found = {item["pk"]["S"]: item for item in answer["Responses"].get(self._table, [])}
        described = []
        for each in queue:
            item = found.get(items.task_key(each.task_id)["pk"]["S"])
            if item:
                account = item.get("account", {}).get("S", "")
                described.append(replace(each, model=item["model_name"]["S"], account=account))
            elif each.task_id in holding:
                described.append(each)
        return described
