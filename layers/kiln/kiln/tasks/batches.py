"""Batches in the table: which tasks belong together, and which of them have ended."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from kiln import clock
from kiln.contract.batch import RefusedJob
from kiln.contract.deliveries import DeliveryAttempt
from kiln.errors import BatchNotFound
from kiln.tasks import items
from kiln.tasks.attributes import attribute_of, plain
from kiln.tasks.ids import content_task_id
from kiln.tasks.table import TableAccess


class Batch(BaseModel, defer_build=True):
    """One batch. Times are milliseconds since the epoch.

    Attributes:
        batch_id: Its id.
        caller: Whose it is.
        channel: ``api``, or ``drop`` for the list of a ``job.json``.
        external_batch_id: The caller's own id.
        callback_url: Receives one webhook, when it has finished.
        request_digest: Of the body that a repeated id must come with.
        created_at: When it was accepted.
        jobs: How many jobs it has.
        refused: Those that became no task.
        dropped: For a drop, its tasks so far: the job's number, ``#``, the task's id.
        ended: The numbers of the jobs that have ended, as strings; refused ones of an API's batch are left out.
        finished_at: When the last job ended.
        published_at: When that was published.
        deliveries: The attempts to deliver its webhook, in any order.
    """

    model_config = ConfigDict(extra="ignore")

    batch_id: str
    caller: str
    channel: Literal["api", "drop"] = "api"
    external_batch_id: str = ""
    callback_url: str = Field(default="", repr=False)
    request_digest: str = ""
    created_at: int
    jobs: int
    refused: list[RefusedJob] = Field(default_factory=list)
    dropped: set[str] = Field(default_factory=set)
    ended: set[str] = Field(default_factory=set)
    finished_at: int = 0
    published_at: int = 0
    deliveries: list[DeliveryAttempt] = Field(default_factory=list)

    @property
    def tasks(self) -> dict[int, str]:
        """The id of each job's task, by the job's number."""
        if self.channel == "drop":
            pairs = [each.partition("#") for each in self.dropped]
            return dict(sorted((int(job), task_id) for job, _, task_id in pairs))
        refused = {each.job for each in self.refused}
        return {job: job_task_id(self.batch_id, job) for job in range(1, self.jobs + 1) if job not in refused}

    @property
    def refused_jobs(self) -> set[int]:
        """The numbers of the jobs that became no task."""
        return {each.job for each in self.refused} | ({int(job) for job in self.ended} - self.tasks.keys())

    @property
    def has_ended(self) -> bool:
        """Whether every job has."""
        return len(self.ended | {str(each.job) for each in self.refused}) >= self.jobs


def job_task_id(batch_id: str, job: int) -> str:
    """The id of the task of one job: the same however often the batch is sent."""
    return content_task_id("job", batch_id, str(job))


def external_batch(caller: str, external_batch_id: str) -> str:
    """The id of the batch to which a caller gave an external id."""
    return content_task_id("batch-external", caller, external_batch_id)


class Batches(TableAccess):
    """Reads and writes batches."""

    def add(self, batch: Batch, *, retention_days: int) -> Batch:
        """Stores a new batch; one of the API is incomplete until ``completed``.

        Returns:
            The stored batch; when one with this id is there already, that one, unchanged.
        """
        dumped = batch.model_dump(mode="json", exclude={"ended", "dropped"})
        expires = {"N": str(clock.days_from_now(retention_days))}
        item = {name: attribute_of(value) for name, value in dumped.items() if value}
        if batch.channel == "api":
            item |= {"queue": {"S": items.INCOMPLETE}, "turn": {"N": str(batch.created_at)}}
        try:
            self._client.put_item(
                TableName=self._table,
                Item={**items.batch_key(batch.batch_id), **item, "expires_at": expires},
                ConditionExpression="attribute_not_exists(pk)",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return self.get(batch.batch_id)
        return batch

    def get(self, batch_id: str) -> Batch:
        """Reads one batch, strongly consistent.

        Raises:
            BatchNotFound: There is none.
        """
        answer = self._client.get_item(TableName=self._table, Key=items.batch_key(batch_id), ConsistentRead=True)
        if "Item" not in answer:
            raise BatchNotFound(batch_id)
        return batch_of(answer["Item"])

    def find(self, caller: str, either_id: str) -> Batch:
        """Reads one of a caller's batches by its id or its external id.

        Raises:
            BatchNotFound: This caller has no such batch.
        """
        for batch_id in (either_id, external_batch(caller, either_id)):
            # DynamoDB refuses a key of over 2 KB.
            if len(batch_id) <= 32:
                with contextlib.suppress(BatchNotFound):
                    batch = self.get(batch_id)
                    if batch.caller == caller:
                        return batch
        raise BatchNotFound(either_id)

    def add_dropped(self, batch_id: str, tasks: dict[int, str]) -> None:
        """Records tasks of the list of a drop."""
        new = {f"{job}#{task_id}" for job, task_id in tasks.items()}
        self._update(batch_id, "ADD dropped :new", items.values(new=new))

    def end_job(self, batch_id: str, job: int, refused: RefusedJob | None = None) -> None:
        """Records that a job has ended, once however often it is reported; the last one finishes the batch.

        Args:
            batch_id: The batch; one that is no longer stored is left alone.
            job: The job's number.
            refused: Why it became no task, where the batch does not say so yet.
        """
        values = items.values(job={str(job)}, **({"none": [], "refused": [refused.model_dump()]} if refused else {}))
        lists = "SET refused = list_append(if_not_exists(refused, :none), :refused) " if refused else ""
        with contextlib.suppress(BatchNotFound):
            self.finish(self._update(batch_id, f"{lists}ADD ended :job", values))

    def finish(self, batch: Batch) -> None:
        """Records the end of a batch if every job has ended."""
        if batch.has_ended and not batch.finished_at:
            now = items.values(now=clock.milliseconds())
            self._update(batch.batch_id, "SET finished_at = if_not_exists(finished_at, :now)", now)

    def resumed(self, batch_id: str) -> Batch:
        """Reads a batch whose request is sent again; an incomplete one is given time again."""
        try:
            now = items.values(now=clock.milliseconds())
            return self._update(batch_id, "SET turn = :now", now, "attribute_exists(queue)")
        except BatchNotFound:
            return self.get(batch_id)

    def completed(self, batch_id: str) -> None:
        """Records that every job of a batch was accepted or refused."""
        self._update(batch_id, "REMOVE queue, turn")

    def incomplete(self, before: int, *, most: int) -> list[tuple[str, int]]:
        """The batches that are incomplete and whose last request began before a moment: their ids, and when."""
        answer = self._client.query(
            TableName=self._table,
            IndexName=items.BY_TURN,
            KeyConditionExpression="queue = :incomplete AND turn < :before",
            ExpressionAttributeValues=items.values(incomplete=items.INCOMPLETE, before=before),
            Limit=most,
        )
        return [(items.batch_id_of(item), int(item["turn"]["N"])) for item in answer["Items"]]

    def refuse(self, batch_id: str, jobs: Sequence[RefusedJob], *, requested_at: int) -> Batch:
        """Refuses jobs of an incomplete batch.

        Raises:
            BatchNotFound: Its request was sent again after ``requested_at``.
        """
        values = items.values(none=[], refused=[job.model_dump() for job in jobs], at=requested_at)
        change = "SET refused = list_append(if_not_exists(refused, :none), :refused)"
        return self._update(batch_id, change, values, "turn = :at")

    def published(self, batch_id: str) -> None:
        """Records that the batch's end was published."""
        self._update(batch_id, "SET published_at = :now", items.values(now=clock.milliseconds()))

    def record_delivery(self, batch_id: str, attempt: DeliveryAttempt) -> None:
        """Keeps the result of one attempt to deliver the batch's webhook, for the caller to read."""
        self._update(
            batch_id,
            "SET deliveries = list_append(if_not_exists(deliveries, :none), :new)",
            items.values(none=[], new=[attempt.model_dump(mode="json", exclude_none=True)]),
        )

    def _update(
        self, batch_id: str, expression: str, values: items.Item | None = None, condition: str = "attribute_exists(pk)"
    ) -> Batch:
        named: Any = {"ExpressionAttributeValues": values} if values else {}
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key=items.batch_key(batch_id),
                UpdateExpression=expression,
                ConditionExpression=condition,
                ReturnValues="ALL_NEW",
                **named,
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            raise BatchNotFound(batch_id) from None
        return batch_of(answer["Attributes"])


def batch_of(item: Any) -> Batch:
    """A batch from an item."""
    return Batch.model_validate({name: plain(value) for name, value in item.items()})
