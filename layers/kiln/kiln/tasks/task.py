"""A task as data: its request, its progress and its result, as DynamoDB keeps them. Nothing here does I/O."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from kiln.contract.deliveries import DeliveryAttempt
from kiln.contract.vocabulary import TaskStatus
from kiln.images.stored import StoredImage, StoredInput


class DeliveryRecord(DeliveryAttempt, defer_build=True):
    """One attempt to deliver a webhook of a task."""

    task_status: TaskStatus = Field(description="The status that it notified of")


class Origin(BaseModel, defer_build=True):
    """The channel that a task arrived by, and so where its results go.

    Attributes:
        channel: ``api``, ``event`` (the bus) or ``drop`` (the inbox bucket).
        folder: For a drop, the folder of the outbox that its ``result.json`` goes to.
        part: For a batch, the job's number, from 1.
        parts: For a batch, how many jobs there are; 0 for a task by itself.
        batch: The id of the batch: the list of a ``job.json``, or one that came over the API.
        version: For a drop, the version of its ``job.json``, or of the single image.
    """

    channel: Literal["api", "event", "drop"] = "api"
    folder: str = ""
    part: int = 0
    parts: int = 0
    batch: str = ""
    version: str = ""


class Task(BaseModel, defer_build=True):
    """One task. Times are milliseconds since the epoch.

    The ``run_id`` names everything that is made for this run of the task: its executions, its events, and its task at
    the provider. The ``task_id`` alone is not enough: an id made of content comes again with the content, and Step
    Functions and the provider may remember the first run for longer than the table does.

    A stored task is readable whatever its model or ratio: another release may have accepted it, and one unreadable
    task would hold up every task behind it. Requests are validated before they become tasks.

    ``units_per_month`` is the budget of its caller when it was accepted; 0 for none.

    A task with ``deleted_at`` is a tombstone: only ids, times, units and the status are left. It has no ``sequence``,
    so no index lists it; ``is_deleting`` says that its files may still be there.
    """

    model_config = ConfigDict(protected_namespaces=(), extra="ignore")

    task_id: str
    run_id: str
    caller: str
    sequence: int = 0
    external_task_id: str = ""
    task_status: TaskStatus = TaskStatus.SUBMITTED
    task_status_msg: str = ""
    created_at: int
    updated_at: int
    model_name: str
    prompt: str = Field(default="", repr=False)
    n: int
    aspect_ratio: str
    watermark: bool = False
    callback_url: str = Field(default="", repr=False)
    callback_statuses: list[str] = Field(default_factory=list)
    inputs: list[StoredInput] = Field(default_factory=list, repr=False)
    origin: Origin = Field(default_factory=Origin)
    provider_task_id: str = ""
    account: str = ""
    dispatch_attempts: int = 0
    refused_attempts: int = 0
    polls: int = 0
    wake_ups: int = 0
    slots_acquired_at: int = 0
    dispatched_at: int = 0
    collecting_at: int = 0
    refusal: str = ""
    request_digest: str = ""
    queue: str = ""
    turn: int = 0
    priority: str = ""
    ignored: list[str] = Field(default_factory=list)
    final_unit_deduction: str = ""
    final_balance_deduction: str = ""
    provider_fields: str = Field(default="", repr=False)
    units_per_month: int = 0
    result: list[StoredImage] = Field(default_factory=list)
    collected: list[StoredImage] = Field(default_factory=list, repr=False)
    deliveries: list[DeliveryRecord] = Field(default_factory=list)
    wake_requested_at: int | None = None
    deleted_at: int = 0
    is_deleting: bool = False

    @property
    def is_waiting(self) -> bool:
        """Whether it waits in the queue for its slots."""
        return self.queue == "waiting"

    def notifies_of(self, status: TaskStatus) -> bool:
        """Whether its ``callback_url`` is to be notified of its change to a status."""
        return bool(self.callback_url) and (not self.callback_statuses or status in self.callback_statuses)

    @property
    def at(self) -> str:
        """The provider account that it is dispatched at; a task of an earlier version has none stored."""
        return self.account or "default"

    @property
    def is_surely_not_created(self) -> bool:
        """Whether the provider has refused every attempt so far; one that crashed or got no answer counts as taken."""
        return not self.dispatched_at and self.refused_attempts == self.dispatch_attempts

    @property
    def is_low(self) -> bool:
        """Whether it waits while any task of normal priority does."""
        return self.priority == "low"

    @property
    def result_prefix(self) -> str:
        """The folder of the outbox bucket that holds this task's images; no two tasks share one.

        No link works to a key with a folder ``.`` or ``..``, as browsers and HTTP clients shorten its path.
        """
        is_linkable = {".", ".."}.isdisjoint(self.origin.folder.split("/"))
        if self.origin.channel == "drop" and is_linkable:
            return f"{self.origin.folder}/{self.task_id}"
        return f"tasks/{self.task_id}"

    @property
    def images_missing(self) -> int:
        """How many images fewer than ``n`` a task has that succeeded."""
        return max(0, self.n - len(self.result)) if self.task_status is TaskStatus.SUCCEED else 0

    @property
    def attempted_deliveries(self) -> list[DeliveryRecord]:
        """Every attempt, the oldest first: notifications run side by side, and are recorded in any order."""
        return sorted(self.deliveries, key=lambda delivery: delivery.attempted_at)

    def as_of(self, status: TaskStatus) -> Task:
        """The task as it was when it changed to a status; it may have moved on since."""
        if status.is_terminal:
            return self.model_copy(update={"task_status": status})
        charged = {"final_unit_deduction": "", "final_balance_deduction": ""}
        past = {"task_status": status, "task_status_msg": "", "result": [], **charged}
        accepted = {"updated_at": self.created_at} if status is TaskStatus.SUBMITTED else {}
        return self.model_copy(update=past | accepted)
