"""Kiln's own metrics, each with its unit and its one dimension. The publisher is set from outside.

The names here are the ones that alarms and the dashboard are made of (monitoring.yaml) and docs/monitoring.md lists.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from kiln.contract.vocabulary import Stage


class Unit(StrEnum):
    """CloudWatch's units, as far as they are used."""

    BYTES = "Bytes"
    COUNT = "Count"
    MILLISECONDS = "Milliseconds"
    SECONDS = "Seconds"


class Failure(StrEnum):
    """Why a task failed, by class: the bounded face of ``task_status_msg``."""

    REFUSED = "refused"
    """The provider did not take the request."""

    PROVIDER = "provider"
    """The provider took it and failed it, or knows it no longer."""

    DISPATCH_DEADLINE = "dispatch_deadline"
    """The provider did not take it in time."""

    GENERATION_DEADLINE = "generation_deadline"
    """The provider did not finish it in time, or could not be asked."""

    COLLECT_DEADLINE = "collect_deadline"
    """Its images could not be copied in time."""

    NO_IMAGE = "no_image"
    """The provider generated it, and has no image of it."""

    CANCELLED = "cancelled"
    """Its caller cancelled it while it was in the queue."""

    OPERATOR = "operator"
    """An operator ended it."""

    FAULT = "fault"
    """Its workflow broke or was stopped."""


class Waker(StrEnum):
    """The cause that woke a workflow that waited for the provider."""

    CALLBACK = "callback"
    TIMER = "timer"


TOTAL = "total"
"""The stage of a task that succeeded as a whole: from its acceptance to its last image in place."""

STAGES = (Stage.WAITING.value, Stage.DISPATCHING.value, Stage.GENERATING.value, Stage.COLLECTING.value, TOTAL)

NO_ANSWER = "none"
"""The code of an answer that did not come, or that could not be read."""

OTHER = "other"
"""The code of an answer that the provider does not document."""

_CODES = (
    *(0, 1000, 1001, 1002, 1003, 1004, 1100, 1101, 1102, 1103, 1200, 1201, 1202, 1203, 1300, 1301, 1302, 1303, 1304),
    *(5000, 5001, 5002),
)


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: In the namespace ``Kiln``, with the stack's name as the dimension ``service``.
        unit: Of its values.
        dimension: A second dimension, if it has one.
        values: All that the second dimension can be, so that its cost is bounded. Empty for a metric by account: the
            provider's secret bounds the names.
    """

    name: str
    unit: Unit
    dimension: str = ""
    values: tuple[str, ...] = ()


ACCEPTED = Metric("TasksAccepted", Unit.COUNT)
SUCCEEDED = Metric("TasksSucceeded", Unit.COUNT)
FAILED = Metric("TasksFailed", Unit.COUNT, "reason", tuple(Failure))
STAGE_SECONDS = Metric("StageSeconds", Unit.SECONDS, "stage", STAGES)
OLDEST_WAITING = Metric("OldestWaitingSeconds", Unit.SECONDS)
TASKS_WAITING = Metric("TasksWaiting", Unit.COUNT)
SLOTS_HELD = Metric("SlotsHeld", Unit.COUNT)
WAKE_UPS = Metric("WakeUps", Unit.COUNT, "by", tuple(Waker))
CALLBACKS = Metric("Callbacks", Unit.COUNT)
CALLBACKS_MISSED = Metric("CallbacksMissed", Unit.COUNT)
PROVIDER_CALLS = Metric(
    "ProviderCallMilliseconds", Unit.MILLISECONDS, "code", (*(str(code) for code in _CODES), OTHER, NO_ANSWER)
)
ACCOUNT_ERRORS = Metric("ProviderAccountErrors", Unit.COUNT)
ACCOUNT_SLOTS_HELD = Metric("AccountSlotsHeld", Unit.COUNT, "account")
ACCOUNT_CLOSED = Metric("AccountClosed", Unit.COUNT, "account")
MOVED = Metric("TasksMovedToAnotherAccount", Unit.COUNT)
UNITS_DEDUCTED = Metric("UnitsDeducted", Unit.COUNT)
IMAGES_STORED = Metric("ImagesStored", Unit.COUNT)
BYTES_STORED = Metric("BytesStored", Unit.BYTES)
IMAGES_MISSING = Metric("ImagesMissing", Unit.COUNT)
UNKNOWN_STATUSES = Metric("ProviderUnknownStatuses", Unit.COUNT)
DELIVERIES = Metric("WebhookDeliveries", Unit.COUNT, "outcome", ("delivered", "retry", "given_up"))
RESCUED = Metric("WorkflowsRescued", Unit.COUNT)
BUDGET_NEARLY_USED = Metric("BudgetNearlyUsed", Unit.COUNT)
SECRETS_STALE = Metric("SecretsStale", Unit.COUNT)

ALL = (
    *(ACCEPTED, SUCCEEDED, FAILED, STAGE_SECONDS, OLDEST_WAITING, TASKS_WAITING, SLOTS_HELD, WAKE_UPS, CALLBACKS),
    *(CALLBACKS_MISSED, PROVIDER_CALLS, ACCOUNT_ERRORS, UNITS_DEDUCTED, IMAGES_STORED, BYTES_STORED, DELIVERIES),
    *(IMAGES_MISSING, UNKNOWN_STATUSES, RESCUED, BUDGET_NEARLY_USED, SECRETS_STALE, MOVED),
    *(ACCOUNT_SLOTS_HELD, ACCOUNT_CLOSED),
)

Publisher = Callable[[Metric, float, str], None]


def _discard(metric: Metric, value: float, of: str) -> None:
    """Where measurements go until someone publishes them: a script that uses the layer has no dashboard."""


_publish: Publisher = _discard


def publish_with(publisher: Publisher) -> None:
    """Has every measurement from here on handed to a function: the metric, the value, the second dimension's value."""
    global _publish  # noqa: PLW0603 - one process, one place that measurements go to
    _publish = publisher


def record(metric: Metric, value: float = 1, *, of: str = "") -> None:
    """Measures something.

    Args:
        metric: What.
        value: How much; 1 for what is counted.
        of: The second dimension's value, where the metric has one.

    Raises:
        ValueError: The metric has no such dimension value, so no alarm or chart would show it.
    """
    is_known = of in metric.values if metric.values else bool(of) is bool(metric.dimension)
    if not is_known:
        raise ValueError(f"{metric.name} is not measured by {metric.dimension or 'anything'}={of!r}")
    _publish(metric, value, of)


def provider_code(code: int | None) -> str:
    """The dimension value for a code that the provider answered with; ``None`` when it did not answer readably."""
    if code is None:
        return NO_ANSWER
    return str(int(code)) if code in _CODES else OTHER
