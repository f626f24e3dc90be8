"""A batch as others see it: the answers to create and query, and its end as an event and a webhook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from kiln.contract.batch import BatchCounts, BatchInfo, BatchTask, CreatedBatch, FinishedBatch, FoundBatch
from kiln.contract.listing import ListQuery
from kiln.tasks.batches import Batch
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task
from kiln.tasks.views import found_view


def created_batch_view(batch: Batch) -> CreatedBatch:
    """The batch as *create a batch* answers with it."""
    return CreatedBatch(**_common(batch), tasks=_tasks(batch), refused=batch.refused)


def found_batch_view(batch: Batch, page: ListQuery, public_url: str) -> FoundBatch:
    """The batch as *query a batch* answers with it: counted now, with one page of its tasks."""
    tasks = TaskStore().get_all(list(batch.tasks.values()))
    first = (page.page_num - 1) * page.page_size
    wanted = [task for task in tasks if page.task_status in (None, task.task_status) and not task.deleted_at]
    return FoundBatch(
        **_common(batch),
        counts=_counts(batch, tasks),
        finished_at=batch.finished_at or None,
        refused=batch.refused,
        tasks=[found_view(task, public_url) for task in wanted[first : first + page.page_size]],
        deliveries=sorted(batch.deliveries, key=lambda delivery: delivery.attempted_at),
    )


def finished_batch_view(batch: Batch) -> FinishedBatch:
    """The batch as its end is published."""
    tasks = TaskStore().get_all(list(batch.tasks.values()))
    counts = _counts(batch, tasks)
    return FinishedBatch(**_common(batch), counts=counts, finished_at=batch.finished_at, tasks=_tasks(batch))


def _common(batch: Batch) -> dict[str, Any]:
    info = BatchInfo(external_batch_id=batch.external_batch_id)
    return {"batch_id": batch.batch_id, "batch_info": info, "created_at": batch.created_at}


def _tasks(batch: Batch) -> list[BatchTask]:
    return [BatchTask(job=job, task_id=task_id) for job, task_id in batch.tasks.items()]


def _counts(batch: Batch, tasks: Iterable[Task]) -> BatchCounts:
    by_status = Counter(task.task_status.value for task in tasks)
    return BatchCounts(jobs=batch.jobs, refused=len(batch.refused_jobs), **by_status)
