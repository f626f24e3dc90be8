"""The budget of a caller as the provider's account query would show it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from kiln.auth.callers import Caller
from kiln.contract.usage import AccountCosts, PackStatus, ResourcePack
from kiln.intake.budget import today
from kiln.tasks.usage_items import UsageItems, next_month


def account_costs(caller: Caller) -> AccountCosts:
    """The caller's budget of this month as a resource pack, in the form of the provider's ``/account/costs``."""
    if not caller.units_per_month:
        return AccountCosts()
    day = today()
    left = max(caller.units_per_month - UsageItems().units_in_month(caller.name, day), Decimal(0))
    begins = _milliseconds(day.replace(day=1))
    pack = ResourcePack(
        resource_pack_name=f"Kiln budget {day:%Y-%m}",
        resource_pack_id=f"{caller.name}-{day:%Y-%m}",
        total_quantity=caller.units_per_month,
        remaining_quantity=float(left),
        purchase_time=begins,
        effective_time=begins,
        invalid_time=_milliseconds(next_month(day)),
        status=PackStatus.ONLINE if left else PackStatus.USED_UP,
    )
    return AccountCosts(resource_pack_subscribe_infos=[pack])


def _milliseconds(day: dt.date) -> int:
    return int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp() * 1_000)
