"""Usage per caller and day: one item of the table per caller and month, written with each task's end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from kiln.contract.usage import NearlyUsedBudget, UsageRow
from kiln.tasks import items
from kiln.tasks.table import TableAccess
from kiln.tasks.task import Task

NEARLY_USED = Decimal("0.8")
"""The share of a budget from which on it is nearly used: one event a month, and a metric with each new task."""

_COUNTS = ("units", "images", "tasks", "failures")
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
    added = ", ".join(f"{_total(name)} :{name}, {_daily(name, day)} :{name}" for name in _COUNTS)
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
        "Key": usage_key(task.caller, _month(day)),
        "UpdateExpression": expression,
        "ExpressionAttributeValues": values,
        **({"ConditionExpression": condition} if condition else {}),
    }


class Usage(TableAccess):
    """Reads usage."""

    def units_in_month(self, caller: str, day: dt.date) -> Decimal:
        """The units of the caller's tasks that ended in the month of a day."""
        charged = self._read(caller, _month(day)).get(_total("units"), {"N": "0"})
        return Decimal(charged["N"])

    def by_day(self, caller: str, first: dt.date, last: dt.date) -> list[UsageRow]:
        """A row for each day on which one of the caller's tasks ended, the oldest first."""
        rows = []
        for month, days in _months(first, last):
            item = self._read(caller, month)
            rows += [_row(caller, item, day) for day in days if _daily("tasks", day) in item]
        return rows

    def total(self, caller: str, first: dt.date, last: dt.date) -> UsageRow:
        """One row for the whole time."""
        rows = self.by_day(caller, first, last)
        return UsageRow(
            caller=caller,
            units=shown_units(sum((Decimal(row.units) for row in rows), Decimal(0))),
            images=sum(row.images for row in rows),
            tasks=sum(row.tasks for row in rows),
            failures=sum(row.failures for row in rows),
        )

    def nearly_used(self, caller: str, month: str) -> NearlyUsedBudget | None:
        """A budget that is nearly used; ``None`` if it is not, or if that was published."""
        item = self._read(caller, month)
        if "is_unpublished" not in item:
            return None
        return NearlyUsedBudget(
            month=month,
            units_per_month=int(item["budget"]["N"]),
            units=shown_units(Decimal(item[_total("units")]["N"])),
            nearly_used_at=int(item["nearly_used_at"]["N"]),
        )

    def published(self, caller: str, month: str) -> None:
        """Records that the event of a budget that is nearly used was published."""
        self._client.update_item(
            TableName=self._table, Key=usage_key(caller, month), UpdateExpression="REMOVE is_unpublished"
        )

    def _read(self, caller: str, month: str) -> items.Item:
        answer = self._client.get_item(TableName=self._table, Key=usage_key(caller, month), ConsistentRead=True)
        return dict(answer.get("Item", {}))


def _row(caller: str, item: items.Item, day: dt.date) -> UsageRow:
    counts = {name: Decimal(item[_daily(name, day)]["N"]) for name in _COUNTS}
    return UsageRow(
        caller=caller,
        day=day,
        units=shown_units(counts["units"]),
        images=int(counts["images"]),
        tasks=int(counts["tasks"]),
        failures=int(counts["failures"]),
    )


def _months(first: dt.date, last: dt.date) -> Iterator[tuple[str, list[dt.date]]]:
    days = [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
    for month in sorted({_month(day) for day in days}):
        yield month, [day for day in days if _month(day) == month]


def _month(day: dt.date) -> str:
    return f"{day:%Y-%m}"


def _total(name: str) -> str:
    return f"month_{name}"


def _daily(name: str, day: dt.date) -> str:
    return f"day_{day:%d}_{name}"
