"""Lists a caller's tasks, newest first, at the same cost on every page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiln import aws
from kiln.settings import TableSettings, load
from kiln.tasks import items
from kiln.tasks.task import Task

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class TaskList:
    """The list of one caller's tasks.

    Tasks are numbered per caller as they are accepted, so a page is a range of numbers: one read of the caller's
    counter and one query, whichever page it is.
    """

    def __init__(self, client: DynamoDBClient | None = None, table_name: str | None = None) -> None:
        self._client = client or aws.dynamodb()
        self._table = table_name or load(TableSettings).table_name

    def page(self, caller: str, page_num: int, page_size: int) -> list[Task]:
        """One page.

        Args:
            caller: Whose tasks.
            page_num: From 1 (contract).
            page_size: From 1 to 500 (contract).
        """
        newest = self._count(caller) - (page_num - 1) * page_size
        if newest < 1:
            return []
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=items.BY_CALLER,
            KeyConditionExpression="caller = :caller AND #sequence BETWEEN :oldest AND :newest",
            ExpressionAttributeNames={"#sequence": "sequence"},
            ExpressionAttributeValues=items.values(caller=caller, oldest=newest - page_size + 1, newest=newest),
            ScanIndexForward=False,
        )
        return [items.task_of(item) for page in pages for item in page["Items"]]

    def _count(self, caller: str) -> int:
        answer = self._client.get_item(
            TableName=self._table, Key=items.caller_key(caller), ConsistentRead=True, ProjectionExpression="tasks"
        )
        return int(answer["Item"]["tasks"]["N"]) if "Item" in answer else 0
