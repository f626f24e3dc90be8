"""The API's answers about batches as plain immutable objects."""

from __future__ import annotations

from dataclasses import dataclass, field

from kiln_client.answers import Answer, Delivery, Json, Task


@dataclass(frozen=True, slots=True)
class Batch(Answer):
    """Many tasks that were created together.

    Attributes:
        batch_id: Kiln's id of the batch.
        created_at: Milliseconds since the epoch.
        task_ids: The ids of its tasks, by the number of the job; of a query, those of the page.
        refused: The jobs that became no task: ``job``, ``code`` and ``message`` of each.
        counts: How many jobs there are of each status; empty in the answer to a create.
        finished_at: When the last task ended; ``None`` until then.
        external_batch_id: The caller's own id; empty if none was given.
        tasks: The tasks of the page; none in the answer to a create.
        deliveries: Every attempt to deliver the batch's webhook, oldest first.
        answer: The whole answer.
    """

    batch_id: str
    created_at: int
    task_ids: tuple[str, ...] = ()
    refused: tuple[Json, ...] = ()
    counts: Json = field(default_factory=dict)
    finished_at: int | None = None
    external_batch_id: str = ""
    tasks: tuple[Task, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    answer: Json = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_finished(self) -> bool:
        """Whether every task has ended."""
        return self.finished_at is not None

    @classmethod
    def read(cls, data: Json) -> Batch:
        """Reads ``data`` of an answer, or the body of a batch's webhook."""
        tasks = data.get("tasks", [])
        return cls._of(
            data,
            task_ids=tuple(each["task_id"] for each in tasks),
            refused=tuple(data.get("refused", [])),
            external_batch_id=(data.get("batch_info") or {}).get("external_batch_id", ""),
            tasks=tuple(Task.read(each) for each in tasks if "task_status" in each),
            deliveries=tuple(Delivery.read(each) for each in data.get("deliveries", [])),
        )
