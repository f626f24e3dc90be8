"""Usage per caller and day: one item of the table per caller and month, written with each task's end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from kiln.contract.usage import UsageRow
from kiln.tasks import items
from kiln.tasks.table import TableAccess

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


def addition(table: str, caller: str, ended_at: int, *, units: str, images: int, failed: bool) -> dict[str, Any]:
    """The update that counts one ended task, for the transaction that ends it.

    Args:
        table: The table's name.
        caller: Whose task it is.
        ended_at: Milliseconds since the epoch.
        units: Its ``final_unit_deduction``.
        images: How many images it has.
        failed: Whether it failed.
    """
    day = dt.datetime.fromtimestamp(ended_at / 1000, dt.UTC).date()
    counted = {"units": units_of(units), "images": images, "tasks": 1, "failures": int(failed)}
    added = ", ".join(f"{_total(name)} :{name}, {_daily(name, day)} :{name}" for name in _COUNTS)
    return {
        "TableName": table,
        "Key": usage_key(caller, _month(day)),
        "UpdateExpression": f"ADD {added}",
        "ExpressionAttributeValues": {f":{name}": {"N": f"{count:f}"} for name, count in counted.items()},
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
