"""The item of a caller's usage in a month: its key, the update that counts an ended task, and the month's units."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import Any

from kiln.tasks import items
from kiln.tasks.table import TableAccess
from kiln.tasks.task import Task

NEARLY_USED = Decimal("0.8")
"""The share of a budget from which on it is nearly used: one event a month, and a metric with each new task."""

COUNTS = ("units", "images", "tasks", "failures")
_LARGEST_UNITS = Decimal(10**9)
_SMALLEST_UNITS = Decimal("0.000001")


def usage_key(caller: str, month: str) -> items.Item:
    """The key of a caller's usage in a month (``2026-11``)."""
    return {"pk": {"S": f"USAGE#{caller}#{month}"}}


def units_of(charged: str) -> Decimal:
    """The units of a ``final_unit_deduction``; 0 for a string that is no sensible number, and the task still ends."""
    try:
        units = Decimal(charged or 0)
    except InvalidOperation:
        return Decimal(0)
    is_sensible = units.is_finite() and 0 <= units <= _LARGEST_UNITS
    return units.quantize(_SMALLEST_UNITS) if is_sensible else Decimal(0)


def shown_units(units: Decimal) -> str:
    """Units as a decimal string without trailing zeros."""
    return f"{units.normalize():f}"


def next_month(day: dt.date) -> dt.date:
    """The first day of the month after a day's."""
    return (day.replace(day=28) + dt.timedelta(days=4)).replace(day=1)


def addition(
    table: str, task: Task, ended_at: int, *, units: str, images: int, failed: bool, nearly_used: bool = False
) -> dict[str, Any]:
    """The update that counts one ended task, for the transaction that ends it.

    For a caller with a budget it has a condition: that the budget is not nearly used, or recorded as such already.
    If the condition is not met, the update with ``nearly_used`` counts the task and records it, once a month.

    Args:
        table: The table's name.
        task: Before its end.
        ended_at: Milliseconds since the epoch.
        units: Its ``final_unit_deduction``.
        images: How many images it has.
        failed: Whether it failed.
        nearly_used: Whether to record that the budget is nearly used.
    """
    day = dt.datetime.fromtimestamp(ended_at / 1000, dt.UTC).date()
    charged = units_of(units)
    counted = {"units": charged, "images": images, "tasks": 1, "failures": int(failed)}
    added = ", ".join(f"{total_name(name)} :{name}, {daily_name(name, day)} :{name}" for name in COUNTS)
    values = {f":{name}": {"N": f"{count:f}"} for name, count in counted.items()}
    expression, condition = f"ADD {added}", ""
    left = task.units_per_month * NEARLY_USED - charged
    if nearly_used:
        expression += " SET nearly_used_at = :now, budget = :budget, is_unpublished = :yes"
        condition = "attribute_not_exists(nearly_used_at)"
        values |= items.values(now=ended_at, budget=task.units_per_month, yes=True)
    elif task.units_per_month:
        first = "attribute_not_exists(month_units) OR " if left > 0 else ""
        condition = f"{first}month_units < :left OR attribute_exists(nearly_used_at)"
        values[":left"] = {"N": f"{left:f}"}
    return {
        "TableName": table,
        "Key": usage_key(task.caller, month_of(day)),
        "UpdateExpression": expression,
        "ExpressionAttributeValues": values,
        **({"ConditionExpression": condition} if condition else {}),
    }


def month_of(day: dt.date) -> str:
    """The month of a day, as the key has it."""
    return f"{day:%Y-%m}"


def total_name(name: str) -> str:
    """The attribute that sums up a count of the month."""
    return f"month_{name}"


def daily_name(name: str, day: dt.date) -> str:
    """The attribute that sums up a count of a day."""
    return f"day_{day:%d}_{name}"


class UsageItems(TableAccess):
    """Reads the items."""

    def read(self, caller: str, month: str) -> items.Item:
        """A caller's item of a month; empty if none of its tasks ended in it."""
        answer = self._client.get_item(TableName=self._table, Key=usage_key(caller, month), ConsistentRead=True)
        return dict(answer.get("Item", {}))

    def units_in_month(self, caller: str, day: dt.date) -> Decimal:
        """The units of the caller's tasks that ended in the month of a day."""
        charged = self.read(caller, month_of(day)).get(total_name("units"), {"N": "0"})
        return Decimal(charged["N"])
