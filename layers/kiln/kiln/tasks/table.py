"""The one table, as everything that reads and writes it is given it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiln import aws
from kiln.settings import TableSettings, load

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class TableAccess:
    """Something that reads and writes the table.

    Args:
        client: A DynamoDB client; the process's own if not given.
        table_name: The table; read from the environment if not given.
    """

    def __init__(self, client: DynamoDBClient | None = None, table_name: str | None = None) -> None:
        self._client = client or aws.dynamodb()
        self._table = table_name or load(TableSettings).table_name
