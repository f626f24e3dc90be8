"""Lists a caller's tasks, newest first, at the same cost on every page."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from kiln.contract.listing import ListQuery
from kiln.tasks import items
from kiln.tasks.table import TableAccess
from kiln.tasks.task import Task
from kiln.tasks.task_items import TaskItems

if TYPE_CHECKING:
    from collections.abc import Iterator


class TaskList(TableAccess):
    """The list of one caller's tasks.

    Tasks are numbered per caller as they are accepted, so a page is a range of numbers: one read of the caller's
    counter and one query (two where a page is over 1 MB), whichever page it is. Moments are turned into numbers by
    bisection: some twenty reads of one item at a million tasks. A list by ``task_status`` reads an index of keys up to
    its page, and then the page's tasks. The numbers of deleted tasks are without a task, so the list of a caller that
    has deleted some is counted from its beginning.
    """

    def page(self, caller: str, asked: ListQuery) -> list[Task]:
        """One page of a caller's tasks, within the filters that are asked for."""
        created, has_deleted = self._counter(caller)
        oldest, newest = self._bounds(caller, asked, created)
        passed = (asked.page_num - 1) * asked.page_size
        if asked.task_status is not None:
            task_ids = self._ids(items.listed(caller, asked.task_status), oldest, newest, passed + asked.page_size)
            tasks = TaskItems(self._client, self._table).get_all(
                list(islice(task_ids, passed, passed + asked.page_size))
            )
            # The index may be a moment behind a change of the status.
            return [task for task in tasks if task.task_status is asked.task_status and not task.deleted_at]
        if has_deleted:
            return list(islice(self._tasks(caller, oldest, newest), passed, passed + asked.page_size))
        newest -= passed
        return list(self._tasks(caller, max(oldest, newest - asked.page_size + 1), newest))

    def _bounds(self, caller: str, asked: ListQuery, newest: int) -> tuple[int, int]:
        """The numbers of the oldest and the newest task within the filters by time."""
        oldest = 1
        if asked.created_before is not None:
            newest = self._first_since(caller, asked.created_before, newest) - 1
        if asked.created_after is not None:
            oldest = self._first_since(caller, asked.created_after + 1, newest)
        return oldest, newest

    def _tasks(self, caller: str, oldest: int, newest: int) -> Iterator[Task]:
        if newest < oldest:
            return
        query = self._range(items.BY_CALLER, "caller", caller, oldest, newest)
        for page in self._client.get_paginator("query").paginate(**query):
            for item in page["Items"]:
                yield items.task_of(item)

    def _ids(self, listed: str, oldest: int, newest: int, most: int) -> Iterator[str]:
        """The ids of the tasks that are listed by something, the newest first."""
        if newest < oldest:
            return
        query = self._range(items.BY_STATUS, "listed", listed, oldest, newest)
        pages = self._client.get_paginator("query").paginate(
            **query, ProjectionExpression="pk", PaginationConfig={"MaxItems": most}
        )
        for page in pages:
            for item in page["Items"]:
                yield items.task_id_of(item)

    def _range(self, index: str, key: str, value: str, oldest: int, newest: int) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "IndexName": index,
            "KeyConditionExpression": f"{key} = :value AND #sequence BETWEEN :oldest AND :newest",
            "ExpressionAttributeNames": {"#sequence": "sequence"},
            "ExpressionAttributeValues": items.values(value=value, oldest=oldest, newest=newest),
            "ScanIndexForward": False,
        }

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

    def _counter(self, caller: str) -> tuple[int, bool]:
        """How many tasks a caller has created, and whether some are deleted."""
        answer = self._client.get_item(
            TableName=self._table,
            Key=items.caller_key(caller),
            ConsistentRead=True,
            ProjectionExpression="tasks, has_deleted",
        )
        item = answer.get("Item", {})
        return int(item["tasks"]["N"]) if "tasks" in item else 0, "has_deleted" in item
