"""The pools of slots: one for each provider account, or for each model of an account that counts by model."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from kiln.provider.accounts import Account
from kiln.provider.credentials import DEFAULT_ACCOUNT


@dataclass(frozen=True)
class Pool:
    """Slots that are counted together.

    Attributes:
        limit: How many there are.
        account: The provider account.
        model: The model that they are for; empty for all models.
        weight: Its share of new tasks.
        is_open: Whether tasks may get slots here that are not bound to the account.
    """

    limit: int
    account: str = DEFAULT_ACCOUNT
    model: str = ""
    weight: int = 1
    is_open: bool = True

    @property
    def suffix(self) -> str:
        """The end of its slots' names; empty for the account ``default``, as in a table of an earlier version."""
        if self.model:
            return f"@{self.account}/{self.model}"
        return "" if self.account == DEFAULT_ACCOUNT else f"@{self.account}"

    def owns(self, name: str) -> bool:
        """Whether a slot is one of its slots."""
        return suffix_of(name) == self.suffix

    def used(self, names: Iterable[str]) -> int:
        """How many of its slots are in use."""
        return sum(map(self.owns, names))


def suffix_of(name: str) -> str:
    """The end of a slot's name, which says its pool."""
    _, at, pool = name.partition("@")
    return at + pool


def account_of(name: str) -> str:
    """The account of a slot."""
    return name.partition("@")[2].partition("/")[0] or DEFAULT_ACCOUNT


def pools_of(accounts: Iterable[Account], closed: Collection[str] = ()) -> list[Pool]:
    """Returns the pools of accounts; those of an account that drains or is closed take no new tasks."""
    return [
        Pool(limit, each.name, model, each.weight, not each.is_draining and each.name not in closed)
        for each in accounts
        for model, limit in ({"": each.slots} if isinstance(each.slots, int) else each.slots).items()
    ]


def open_slots(pools: Iterable[Pool], models: Collection[str] = ()) -> int:
    """How many slots there are for new tasks of some models, or of all if none is named."""
    return sum(pool.limit for pool in pools if pool.is_open and (not models or pool.model in ("", *models)))


def fitting(pools: Sequence[Pool], n: int, model: str = "", account: str = "") -> list[Pool]:
    """Returns the pools that a task may get slots from, as far as they are large enough; else the largest of them.

    Args:
        pools: All pools.
        n: How many images the task generates.
        model: Its model.
        account: The account that it is bound to; empty if it is bound to none. Without a pool there, any pool will do.
    """
    is_bound = any(pool.account == account for pool in pools)
    allowed = [
        pool
        for pool in pools
        if pool.limit and pool.model in ("", model) and (pool.account == account if is_bound else pool.is_open)
    ]
    largest = max((pool.limit for pool in allowed), default=0)
    return [pool for pool in allowed if pool.limit >= min(n, largest)]
