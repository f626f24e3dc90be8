"""The budget of a caller: how many units its tasks may cost in a calendar month (UTC)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from kiln import clock, metrics
from kiln.auth import callers
from kiln.contract.usage import AccountCosts, PackStatus, ResourcePack
from kiln.errors import BudgetUsedUp, ConfigurationError
from kiln.tasks.usage import NEARLY_USED, Usage, next_month, shown_units


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
    today = _today()
    used = Usage().units_in_month(caller, today)
    if used >= units_per_month:
        raise BudgetUsedUp(
            f"the budget is used up: {shown_units(used)} of {units_per_month} units this month; "
            f"the next month begins at {next_month(today)}T00:00:00Z"
        )
    if used >= units_per_month * NEARLY_USED:
        metrics.record(metrics.BUDGET_NEARLY_USED)


def account_costs(caller: callers.Caller) -> AccountCosts:
    """The caller's budget of this month as a resource pack, in the form of the provider's ``/account/costs``."""
    if not caller.units_per_month:
        return AccountCosts()
    today = _today()
    left = max(caller.units_per_month - Usage().units_in_month(caller.name, today), Decimal(0))
    begins = _milliseconds(today.replace(day=1))
    pack = ResourcePack(
        resource_pack_name=f"Kiln budget {today:%Y-%m}",
        resource_pack_id=f"{caller.name}-{today:%Y-%m}",
        total_quantity=caller.units_per_month,
        remaining_quantity=float(left),
        purchase_time=begins,
        effective_time=begins,
        invalid_time=_milliseconds(next_month(today)),
        status=PackStatus.ONLINE if left else PackStatus.USED_UP,
    )
    return AccountCosts(resource_pack_subscribe_infos=[pack])


def _today() -> dt.date:
    return dt.datetime.fromtimestamp(clock.milliseconds() / 1_000, dt.UTC).date()


def _milliseconds(day: dt.date) -> int:
    return int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp() * 1_000)
