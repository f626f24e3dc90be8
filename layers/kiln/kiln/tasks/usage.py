"""Usage per caller and day, as rows of the API's answers, and the budgets that are nearly used."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

from kiln.contract.usage import NearlyUsedBudget, UsageRow
from kiln.tasks import items
from kiln.tasks.usage_items import COUNTS, UsageItems, daily_name, month_of, shown_units, total_name, usage_key


class Usage(UsageItems):
    """Reads usage as the API and the event of a budget show it."""

    def by_day(self, caller: str, first: dt.date, last: dt.date) -> list[UsageRow]:
        """A row for each day on which one of the caller's tasks ended, the oldest first."""
        rows = []
        for month, days in _months(first, last):
            item = self.read(caller, month)
            rows += [_row(caller, item, day) for day in days if daily_name("tasks", day) in item]
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
        item = self.read(caller, month)
        if "is_unpublished" not in item:
            return None
        return NearlyUsedBudget(
            month=month,
            units_per_month=int(item["budget"]["N"]),
            units=shown_units(Decimal(item[total_name("units")]["N"])),
            nearly_used_at=int(item["nearly_used_at"]["N"]),
        )

    def published(self, caller: str, month: str) -> None:
        """Records that the event of a budget that is nearly used was published."""
        self._client.update_item(
            TableName=self._table, Key=usage_key(caller, month), UpdateExpression="REMOVE is_unpublished"
        )


def _row(caller: str, item: items.Item, day: dt.date) -> UsageRow:
    counts = {name: Decimal(item[daily_name(name, day)]["N"]) for name in COUNTS}
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
    for month in sorted({month_of(day) for day in days}):
        yield month, [day for day in days if month_of(day) == month]
