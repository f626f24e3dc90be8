"""AWS usage of one task, as numbers for prices and quotas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field


class Work(BaseModel):
    """Usage of one function."""

    memory_mb: int = Field(description="its memory, which also sets its share of a CPU")
    invocations: int = 0
    cold: int = Field(default=0, description="how many of the invocations were cold starts")
    cpu_ms: float = Field(default=0.0, description="CPU time of the invocations on the recording machine")
    init_cpu_ms: float = Field(default=0.0, description="CPU time of the cold starts before the first invocation")
    aws_calls: int = Field(default=0, description="requests to AWS that the function waited for")
    http_calls: int = Field(default=0, description="requests to the provider and to callers that it waited for")
    images: int = Field(default=0, description="images that it copied into S3 from elsewhere")


class Counts(BaseModel):
    """Usage between a task's creation and its last notification.

    Attributes:
        api_requests: Through API Gateway: the creation, and the provider's callbacks.
        requests: To AWS, by ``service.Operation``, including those of the workflow's native states.
        http: To the ``provider`` and to the caller's ``webhook``.
        write_units: DynamoDB write request units, of the ``table`` and by index.
        writes_of: Write units of the table only, by kind of item: ``TASK``, ``CALLER``, ``SLOTS``, …
        read_units: DynamoDB read request units, by kind of item or index.
        item_bytes: The last size of an item of each kind.
        executions: By state machine: ``task`` and ``notification``.
        transitions: By state machine.
        states: How often each state was entered.
        history_events: The longest history of each state machine.
        queue_messages: Messages that passed through the inbox queue.
        work: By function.
        log_bytes: As CloudWatch Logs counts them.
        log_lines: Number of log events.
        metrics: The custom metrics that were written, with the values of their dimensions.
    """

    api_requests: int = 0
    requests: dict[str, int] = Field(default_factory=dict)
    http: dict[str, int] = Field(default_factory=dict)
    write_units: dict[str, int] = Field(default_factory=dict)
    writes_of: dict[str, int] = Field(default_factory=dict)
    read_units: dict[str, float] = Field(default_factory=dict)
    item_bytes: dict[str, int] = Field(default_factory=dict)
    executions: dict[str, int] = Field(default_factory=dict)
    transitions: dict[str, int] = Field(default_factory=dict)
    states: dict[str, int] = Field(default_factory=dict)
    history_events: dict[str, int] = Field(default_factory=dict)
    queue_messages: int = 0
    work: dict[str, Work] = Field(default_factory=dict)
    log_bytes: int = 0
    log_lines: int = 0
    metrics: list[str] = Field(default_factory=list)

    def add_request(self, request: str, number: int) -> None:
        self.requests[request] = self.requests.get(request, 0) + number

    def add_writes(self, kind: str, units: Mapping[str, int]) -> None:
        """Add a change of an item: its units for the table (``""``) and for each index."""
        for index, number in units.items():
            self.write_units[index or "table"] = self.write_units.get(index or "table", 0) + number
        self.writes_of[kind] = self.writes_of.get(kind, 0) + units[""]

    def add_reads(self, kind: str, units: float) -> None:
        self.read_units[kind] = self.read_units.get(kind, 0.0) + units

    @property
    def invocations(self) -> int:
        """Invocations of all functions."""
        return sum(work.invocations for work in self.work.values())

    @property
    def aws_requests(self) -> int:
        """Every request to AWS, by functions and by the workflow."""
        return sum(self.requests.values())

    def less(self, other: Counts, times: int) -> Counts:
        """Subtract other counts ``times`` times. Nothing goes below zero."""
        return Counts.model_validate(_less(self.model_dump(), other.model_dump(), times))


def _less(mine: Any, other: Any, times: int) -> Any:
    if isinstance(mine, dict):
        kept = ("memory_mb", "item_bytes", "history_events")
        return {name: each if name in kept else _less(each, other.get(name, 0), times) for name, each in mine.items()}
    if isinstance(mine, list):
        return mine
    return max(0, mine - other * times) if not isinstance(other, dict) else mine
