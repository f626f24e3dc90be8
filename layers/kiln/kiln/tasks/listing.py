"""Lists a caller's tasks, newest first, at the same cost on every page."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from kiln.contract.listing import ListQuery
from kiln.tasks import items
from kiln.tasks.table import TableAccess
from kiln.tasks.task import Task

if TYPE_CHECKING:
    from collections.abc import Iterator


class TaskList(TableAccess):
    """The list of one caller's tasks.

    Tasks are numbered per caller as they are accepted, so a page is a range of numbers: one read of the caller's
    counter and one query (two where a page is over 1 MB), whichever page it is. Moments are turned into numbers by
    bisection: some twenty reads of one item at a million tasks. Only ``task_status`` has to look at the tasks before
    its page, so that its cost grows with the page.
    """

    def page(self, caller: str, asked: ListQuery) -> list[Task]:
        """One page of a caller's tasks, within the filters that are asked for."""
        newest = self._count(caller)
        oldest = 1
        if asked.created_before is not None:
            newest = self._first_since(caller, asked.created_before, newest) - 1
        if asked.created_after is not None:
            oldest = self._first_since(caller, asked.created_after + 1, newest)
        passed = (asked.page_num - 1) * asked.page_size
        if asked.task_status is not None:
            matching = self._tasks(caller, oldest, newest, status=asked.task_status.value)
            return list(islice(matching, passed, passed + asked.page_size))
        newest -= passed
        return list(self._tasks(caller, max(oldest, newest - asked.page_size + 1), newest))

    def _tasks(self, caller: str, oldest: int, newest: int, *, status: str | None = None) -> Iterator[Task]:
        if newest < oldest:
            return
        query: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": items.BY_CALLER,
            "KeyConditionExpression": "caller = :caller AND #sequence BETWEEN :oldest AND :newest",
            "ExpressionAttributeNames": {"#sequence": "sequence"},
            "ExpressionAttributeValues": items.values(caller=caller, oldest=oldest, newest=newest),
            "ScanIndexForward": False,
        }
        if status is not None:
            query["FilterExpression"] = "task_status = :status"
            query["ExpressionAttributeValues"] |= items.values(status=status)
        for page in self._client.get_paginator("query").paginate(**query):
            for item in page["Items"]:
                yield items.task_of(item)

    def _first_since(self, caller: str, moment: int, newest: int) -> int:
        """The number of the first task accepted at ``moment`` or later; one past ``newest`` if there is none."""
        low, high = 1, newest + 1
        while low < high:
            middle = (low + high) // 2
            answer = self._client.query(
                TableName=self._table,
                IndexName=items.BY_CALLER,
                KeyConditionExpression="caller = :caller AND #sequence BETWEEN :low AND :high",
                ExpressionAttributeNames={"#sequence": "sequence"},
                ExpressionAttributeValues=items.values(caller=caller, low=middle, high=high),
                ProjectionExpression="#sequence, created_at",
                Limit=1,
            )
            # Numbers without a task (expired ones) are passed over: the query answers with the next that has one.
            found = answer["Items"][0] if answer["Items"] else None
            if found is None or int(found["created_at"]["N"]) >= moment:
                high = middle
            else:
                low = int(found["sequence"]["N"]) + 1
        return low

    def _count(self, caller: str) -> int:
        answer = self._client.get_item(
            TableName=self._table, Key=items.caller_key(caller), ConsistentRead=True, ProjectionExpression="tasks"
        )
        return int(answer["Item"]["tasks"]["N"]) if "Item" in answer else 0
