"""Searches a caller's tasks by words of the prompt or the beginning of an id. Each request reads a bounded number."""

from __future__ import annotations

from dataclasses import dataclass

from kiln.contract.listing import ListQuery
from kiln.tasks import items
from kiln.tasks.listing import TaskList
from kiln.tasks.task import Task

SEARCHED_TASKS = 2_000
"""One search reads at most so many tasks: some 2 MB of the index, and a fraction of a second."""


@dataclass(frozen=True)
class Found:
    """The tasks that one search found.

    Attributes:
        tasks: Newest first.
        created_before: The filter that continues the search in older tasks; ``None`` if there are none.
    """

    tasks: list[Task]
    created_before: int | None = None


class TaskSearch(TaskList):
    """Searches the index of a caller's tasks; only what matches is read as a task."""

    def matching(self, caller: str, asked: ListQuery) -> Found:
        """One page of the tasks that match ``asked.search``, within the other filters."""
        oldest, newest = self._bounds(caller, asked, self._counter(caller)[0])
        if newest < oldest:
            return Found([])
        words = (asked.search or "").casefold().split()
        last = asked.page_num * asked.page_size
        matches: list[Task] = []
        read = oldest_read = 0
        query = self._range(items.BY_CALLER, "caller", caller, oldest, newest)
        for page in self._client.get_paginator("query").paginate(**query):
            for item in page["Items"]:
                if read == SEARCHED_TASKS:
                    # Tasks of the same millisecond may be on both sides, so the moment itself is searched again.
                    return Found(matches[last - asked.page_size :], created_before=oldest_read + 1)
                read += 1
                oldest_read = int(item["created_at"]["N"])
                if _matches(item, words, asked.task_status):
                    matches.append(items.task_of(item))
                    if len(matches) == last:
                        return Found(matches[last - asked.page_size :])
        return Found(matches[last - asked.page_size :])


def _matches(item: items.Item, words: list[str], status: str | None) -> bool:
    if status is not None and item["task_status"]["S"] != status:
        return False
    text = {name: item.get(name, {}).get("S", "").casefold() for name in ("prompt", "task_id", "external_task_id")}
    searched = " ".join(words)
    is_beginning = text["task_id"].startswith(searched) or text["external_task_id"].startswith(searched)
    return is_beginning or all(word in text["prompt"] for word in words)
