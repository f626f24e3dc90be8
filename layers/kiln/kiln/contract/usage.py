"""Usage as the API answers with it, and the query parameters that ask for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kiln.contract.violations import invalid_request
from kiln.errors import InvalidRequest

MOST_DAYS = 366
"""How many days one answer covers at most: thirteen items of the table."""


class Grouping(StrEnum):
    """The scope of one row of an answer."""

    DAY = "day"
    CALLER = "caller"


class UsageQuery(BaseModel, defer_build=True):
    """The query parameters of usage; days are in UTC."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    first: dt.date | None = Field(
        default=None, alias="from", description="The first day (YYYY-MM-DD, UTC); the first of this month by default"
    )
    last: dt.date | None = Field(
        default=None, alias="to", description="The last day (YYYY-MM-DD, UTC); today by default"
    )
    by: Grouping = Field(default=Grouping.DAY, description="A row per day, or one row for the caller")

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> UsageQuery:
        """Reads the query string's parameters.

        Raises:
            InvalidRequest: A parameter is not within its limits.
        """
        try:
            return cls.model_validate({name: value.strip() for name, value in parameters.items() if value.strip()})
        except ValidationError as error:
            raise invalid_request(error) from error

    def days(self, today: dt.date) -> tuple[dt.date, dt.date]:
        """The first and the last day that are asked for.

        Raises:
            InvalidRequest: The last day is before the first, or they are over a year apart.
        """
        last = self.last or max(today, self.first or today)
        first = self.first or last.replace(day=1)
        if last < first:
            raise InvalidRequest(f"to: must not be before from ({first}), got {last}")
        if (last - first).days >= MOST_DAYS:
            raise InvalidRequest(f"from: must be at most {MOST_DAYS} days before to ({last}), got {first}")
        return first, last


class UsageRow(BaseModel, defer_build=True):
    """The sums over a caller's tasks that ended within a time."""

    caller: str = Field(description="The caller's name")
    day: dt.date | None = Field(
        default=None, description="The day (UTC) on which the tasks ended; absent in a row for a whole time"
    )
    units: str = Field(description="Units that the provider charged, a decimal string")
    images: int = Field(description="Images that were stored")
    tasks: int = Field(description="Tasks that ended, with failures")
    failures: int = Field(description="Tasks that failed, with cancelled ones")


class NearlyUsedBudget(BaseModel, defer_build=True):
    """``data`` of the event ``Image Budget Nearly Used``."""

    month: str = Field(description="The month (UTC) of the budget, such as 2026-11")
    units_per_month: int = Field(description="The budget", ge=1)
    units: str = Field(description="Units that its tasks of this month have cost so far, a decimal string")
    nearly_used_at: int = Field(description="When they reached 80 % of the budget, in milliseconds since the epoch")


class PackStatus(StrEnum):
    """Whether a resource pack has units left, in the provider's words."""

    ONLINE = "online"
    USED_UP = "runOut"


class ResourcePack(BaseModel, defer_build=True):
    """A caller's budget of one month as one of the provider's resource packs; times in milliseconds since the epoch."""

    resource_pack_name: str
    resource_pack_id: str
    resource_pack_type: Literal["decreasing_total"] = "decreasing_total"
    total_quantity: float = Field(description="Units of the month")
    remaining_quantity: float = Field(description="Units that are left")
    purchase_time: int
    effective_time: int = Field(description="When the month begins")
    invalid_time: int = Field(description="When the next month begins")
    status: PackStatus


class AccountCosts(BaseModel, defer_build=True):
    """The answer of the provider's account query: a caller's budget as a resource pack; no pack without a budget."""

    code: int = 0
    msg: str = "SUCCEED"
    resource_pack_subscribe_infos: list[ResourcePack] = Field(default_factory=list)
