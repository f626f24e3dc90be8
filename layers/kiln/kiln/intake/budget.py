"""The budget of a caller: how many units its tasks may cost in a calendar month (UTC)."""

from __future__ import annotations

import datetime as dt

from kiln import clock, metrics
from kiln.auth import callers
from kiln.errors import BudgetUsedUp, ConfigurationError
from kiln.tasks.usage_items import NEARLY_USED, UsageItems, next_month, shown_units


def budget_of(name: str) -> int:
    """The units a month of a caller that sends no key, such as the inbox; 0 if it has no budget.

    Raises:
        RuntimeError: The callers' secret is malformed. No request is refused for that; it is tried again.
    """
    try:
        caller = callers.named(name)
    except ConfigurationError as error:
        raise RuntimeError("the callers' budgets must be readable") from error
    return caller.units_per_month if caller else 0


def check_budget(caller: str, units_per_month: int) -> None:
    """Refuses a new task of a caller that has used up its budget: one read, and none for a caller without a budget.

    Tasks count when they end, so the tasks that are under way may exceed the budget.

    Raises:
        BudgetUsedUp: The caller's tasks that ended in this month have cost the budget (1102).
    """
    if not units_per_month:
        return
    day = today()
    used = UsageItems().units_in_month(caller, day)
    if used >= units_per_month:
        raise BudgetUsedUp(
            f"the budget is used up: {shown_units(used)} of {units_per_month} units this month; "
            f"the next month begins at {next_month(day)}T00:00:00Z"
        )
    if used >= units_per_month * NEARLY_USED:
        metrics.record(metrics.BUDGET_NEARLY_USED)


def today() -> dt.date:
    """The day that it is (UTC)."""
    return dt.datetime.fromtimestamp(clock.milliseconds() / 1_000, dt.UTC).date()
