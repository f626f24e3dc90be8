"""The answers about a batch. Kiln's own, no part of the contract."""

from __future__ import annotations

from pydantic import BaseModel, Field

from kiln.contract.answers import FoundTask
from kiln.contract.deliveries import DeliveryAttempt


class BatchInfo(BaseModel, defer_build=True):
    """The caller's own words about a batch."""

    external_batch_id: str = Field(default="", description="The caller's own id; empty when none was given")


class BatchTask(BaseModel, defer_build=True):
    """A job that became a task."""

    job: int = Field(description="The number of the job in the list, from 1", ge=1)
    task_id: str = Field(description="Kiln's id of its task")


class RefusedJob(BaseModel, defer_build=True):
    """A job that became no task."""

    job: int = Field(description="The number of the job in the list, from 1", ge=1)
    code: int = Field(description="The provider's business code")
    message: str = Field(description="The fault, naming the field, the limit and the value")


class BatchCounts(BaseModel, defer_build=True):
    """How many jobs of a batch there are of each status."""

    jobs: int = Field(description="All of them", ge=0)
    refused: int = Field(default=0, ge=0)
    submitted: int = Field(default=0, ge=0)
    processing: int = Field(default=0, ge=0)
    succeed: int = Field(default=0, ge=0)
    failed: int = Field(default=0, ge=0)


class _Batch(BaseModel, defer_build=True):
    batch_id: str = Field(description="Kiln's id of the batch")
    batch_info: BatchInfo = Field(default_factory=BatchInfo)
    created_at: int = Field(description="Milliseconds since the epoch")


class CreatedBatch(_Batch, defer_build=True):
    """``data`` of the answer to *create a batch*."""

    tasks: list[BatchTask]
    refused: list[RefusedJob] = Field(default_factory=list)


class FoundBatch(_Batch, defer_build=True):
    """``data`` of the answer to *query a batch*."""

    counts: BatchCounts
    finished_at: int | None = Field(
        default=None, description="When the last task ended, in milliseconds since the epoch; absent until then"
    )
    refused: list[RefusedJob] = Field(default_factory=list)
    tasks: list[FoundTask] = Field(description="One page of the tasks, in the order of the jobs")
    deliveries: list[DeliveryAttempt] = Field(
        default_factory=list, description="Every attempt to deliver the batch's webhook, oldest first"
    )


class FinishedBatch(_Batch, defer_build=True):
    """``data`` of the event ``Image Batch Finished``, and the body of a batch's webhook."""

    counts: BatchCounts
    finished_at: int = Field(description="When the last task ended, in milliseconds since the epoch")
    tasks: list[BatchTask]
