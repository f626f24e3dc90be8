"""The workflow of a task: its state machine, its bus, its deadlines."""

from __future__ import annotations

from pydantic import Field

from kiln.settings.reading import Settings


class WorkflowSettings(Settings):
    """The state machine that owns every accepted task."""

    state_machine_arn: str = Field(alias="STATE_MACHINE_ARN", min_length=1)


class BusSettings(Settings):
    """The bus for the events of status changes."""

    event_bus: str = Field(alias="EVENT_BUS", min_length=1)


class StartSettings(Settings):
    """The queue for records that cannot start a workflow."""

    unstarted_queue_url: str = Field(alias="UNSTARTED_QUEUE_URL", min_length=1)


class PrioritySettings(Settings):
    """How long a task of low priority waits at most before it gets the next turn."""

    low_hours: int = Field(default=24, alias="LOW_PRIORITY_HOURS", ge=1, le=720)


class DeadlineSettings(Settings):
    """How long a task may take, in seconds.

    From its turn until the provider has taken it; from then until it is generated; and from then until its images are
    copied. That one is long, as the generation has been paid for: so long, too, is a provider waited for that cannot be
    asked whether it has the task, or how far it is.
    """

    dispatch_seconds: int = Field(default=259_200, alias="DISPATCH_DEADLINE_SECONDS", ge=1)
    generation_seconds: int = Field(default=3_600, alias="GENERATION_DEADLINE_SECONDS", ge=1)
    collect_seconds: int = Field(default=86_400, alias="COLLECT_DEADLINE_SECONDS", ge=1)
