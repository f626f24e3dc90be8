"""A DynamoDB client whose indexes lag, as they may on AWS; those of emulators are consistent at once."""

from __future__ import annotations

from typing import Any


class LaggingIndex:
    """A client whose queries of an index answer as of the moment when the lag began.

    Args:
        client: The client.
        table: The table.
        index: The index that lags.
        queue: Only this partition of it lags; the others answer as they are.
    """

    def __init__(self, client: Any, table: str, index: str, queue: str) -> None:
        self._client = client
        self._partition = (index, queue)
        self._then = client.query(
            TableName=table,
            IndexName=index,
            KeyConditionExpression="queue = :queue",
            ExpressionAttributeValues={":queue": {"S": queue}},
        )["Items"]
        self.exceptions = client.exceptions

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def catch_up(self) -> None:
        """The index is consistent again."""
        self._partition = ("", "")

    def query(self, **request: Any) -> Any:
        """The items of then, as many as are asked for."""
        queues = [value["S"] for value in request["ExpressionAttributeValues"].values() if "S" in value]
        if (request.get("IndexName"), *queues) != self._partition:
            return self._client.query(**request)
        listed = self._then[: request.get("Limit", len(self._then))]
        return {"Items": listed, "Count": len(listed)}
