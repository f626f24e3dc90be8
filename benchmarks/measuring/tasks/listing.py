"""DynamoDB reads of a page of the list of tasks, for a caller with 500,000 tasks.

A stand-in client answers as DynamoDB would, and counts the calls and the 1 MB pages. There is no table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.data.figure import Figure
from kiln.contract.listing import ListQuery
from kiln.tasks.listing import TaskList

TASKS = 500_000
_ITEM_BYTES = 900
"""A finished task of two images in the index."""

_PAGE_BYTES = 1_000_000


class _CountingTable:
    """Answers and counts the calls of a listing."""

    def __init__(self) -> None:
        self.reads = 0

    def get_item(self, **_request: Any) -> dict[str, Any]:
        self.reads += 1
        return {"Item": {"tasks": {"N": str(TASKS)}}}

    def get_paginator(self, _operation: str) -> _CountingTable:
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        values = request["ExpressionAttributeValues"]
        newest, oldest = int(values[":newest"]["N"]), int(values[":oldest"]["N"])
        per_read = _PAGE_BYTES // _ITEM_BYTES
        for start in range(newest, oldest - 1, -per_read):
            self.reads += 1
            yield {"Items": [_item(number) for number in range(start, max(oldest, start - per_read + 1) - 1, -1)]}


def measure_listing() -> Iterator[Figure]:
    """Count the reads for pages 1, 10 and 1,000 of 500 tasks each."""
    counts = {page: _reads(page) for page in (1, 10, 1_000)}
    for page in (10, 1_000):
        yield Figure(
            f"DynamoDB reads for page {page:,} of 500 over {TASKS:,} tasks, beyond page 1's",
            str(counts[page]),
            f"{counts[1]}: page 1",
            counts[page] - counts[1],
            1,
        )


def _reads(page: int) -> int:
    table = _CountingTable()
    tasks = TaskList(client=table, table_name="counted").page("caller", ListQuery(page_num=page, page_size=500))  # type: ignore[arg-type]
    if len(tasks) != 500:
        raise AssertionError(f"page {page} must have 500 tasks, got {len(tasks)}")
    return table.reads


def _item(number: int) -> dict[str, Any]:
    return {
        "task_id": {"S": f"{number:032x}"},
        "run_id": {"S": f"{number:032x}"},
        "caller": {"S": "caller"},
        "sequence": {"N": str(number)},
        "created_at": {"N": str(number)},
        "updated_at": {"N": str(number)},
        "model_name": {"S": "kling-v2"},
        "n": {"N": "1"},
        "aspect_ratio": {"S": "1:1"},
    }
