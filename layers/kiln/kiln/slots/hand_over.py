"""How free slots are handed over to the tasks that wait: the rule alone, without a database.

A slot is a string, ``<holder>#<number>``, with ``@<account>`` or ``@<account>/<model>`` behind it unless it is one of
the account ``default``. The holder is a task, or one of two words. A *reserved* slot is free, but
waits for the first task of the queue, which needs more slots than are free. A *throttled* slot is not used for a while,
as the provider refused a task although Kiln had slots left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from kiln.slots.pools import Pool, fitting

_RESERVED = "reserved"
_THROTTLED = "throttled"


@dataclass(frozen=True)
class Waiting:
    """A task in the queue.

    Attributes:
        task_id: The task.
        n: How many images it generates, and so how many slots it needs.
        turn: Its place in the order of the queue.
        model: Its model.
        account: The provider account that may know it already; empty if none does.
    """

    task_id: str
    n: int
    turn: int = 0
    model: str = ""
    account: str = ""


@dataclass(frozen=True)
class HandOver:
    """The result of a hand-over.

    Attributes:
        holders: Every slot that is not free afterwards.
        complete: The tasks that hold all their slots now and are to be woken, in the order of the queue.
        virtual_time: The latest turn among them.
    """

    holders: frozenset[str]
    complete: list[str]
    virtual_time: int = 0


def slot_names(task_id: str, n: int, pool: Pool) -> list[str]:
    """The slots of a task of ``n`` images; a task of more images than a pool has slots takes all of them."""
    return [f"{task_id}#{number}{pool.suffix}" for number in range(min(n, pool.limit))]


def throttled_names(number: int, first_until: int, apart: int, suffix: str = "") -> list[str]:
    """Throttled slots: the first until ``first_until`` (seconds since the epoch), each next ``apart`` seconds later."""
    return [f"{_THROTTLED}#{first_until + each * apart}#{each}{suffix}" for each in range(number)]


def is_throttled(name: str) -> bool:
    """Whether a slot is throttled."""
    return name.startswith(f"{_THROTTLED}#")


def is_reserved(name: str) -> bool:
    """Whether a slot is reserved for the first task of the queue."""
    return name.startswith(f"{_RESERVED}#")


def task_holders(names: Iterable[str]) -> list[str]:
    """The ids of the tasks that hold slots."""
    return sorted({name.partition("#")[0] for name in names} - {_RESERVED, _THROTTLED})


def in_use(names: AbstractSet[str], now: int) -> set[str]:
    """The slots that stay in use: a throttled slot whose time is over is free, and a reserved slot always is."""
    held = {name for name in names if not is_reserved(name)}
    return {name for name in held if not (is_throttled(name) and int(name.split("#")[1]) <= now)}


def may_hand_over(holders: AbstractSet[str], pools: Sequence[Pool]) -> bool:
    """Whether any slot is free, or would be if no task had to wait for what is throttled."""
    return any(free_slots(holders, pools).values()) or _is_stuck(holders)


def free_slots(holders: AbstractSet[str], pools: Sequence[Pool]) -> dict[Pool, int]:
    """How many slots of each pool are free: reserved and throttled ones are in use."""
    return {pool: max(pool.limit - pool.used(holders), 0) for pool in pools}


def choose(free: dict[Pool, int], n: int, model: str = "", account: str = "") -> Pool | None:
    """Returns the pool with room for a task that is used least for its weight; ``None`` if no pool has room."""
    roomy = [pool for pool in fitting(list(free), n, model, account) if free[pool] >= min(n, pool.limit)]
    return min(roomy, key=lambda pool: (pool.limit - free[pool]) / pool.weight, default=None)


def serve(free: dict[Pool, int], queue: Iterable[Waiting]) -> tuple[dict[str, Pool], dict[Pool, int]]:
    """Which tasks of the queue get their slots, and where: each all of its slots in one pool, or none.

    A task without room reserves what is free in the pool with the most free slots among its own: that pool serves no
    task behind it. As only the pool's releases change that number, a large task is not put off by small ones.

    Args:
        free: How many slots of each pool are free.
        queue: The tasks without slots, the next task first.

    Returns:
        The pool of each task that is served, and how many slots of each pool stay reserved.
    """
    left = dict(free)
    served: dict[str, Pool] = {}
    reserved: dict[Pool, int] = {}
    for each in queue:
        if not any(left.values()):
            break
        pool = choose(left, each.n, each.model, each.account)
        if pool:
            served[each.task_id] = pool
            left[pool] -= min(each.n, pool.limit)
            continue
        fits = fitting(list(left), each.n, each.model, each.account)
        # A pool in which a task has reserved slots is its own: it has no free slots for another one.
        freest = max(fits, key=lambda fit: left[fit], default=None)
        if freest and left[freest]:
            reserved[freest] = left[freest]
            left[freest] = 0
    return served, reserved


def hand_over(
    holders: AbstractSet[str],
    queue: Sequence[Waiting],
    pools: Sequence[Pool],
    *,
    leaver: str = "",
    is_retry: bool = False,
    is_paused: bool = False,
) -> HandOver:
    """Hands free slots over in the order of the queue: each task gets all of its slots, or none.

    Where a task needs more slots than are free, the free ones are reserved, in the name of no task. Newcomers then find
    them in use, and the next release hands them over again. So small tasks cannot starve a large one, and two large
    tasks cannot hold a part each.

    Args:
        holders: The slots in use, as ``in_use`` gives them.
        queue: The tasks that wait, the next one first.
        pools: The pools of slots.
        leaver: The task that releases its slots; the queue's index may still name it.
        is_retry: The slots were released before. The first run may have stopped before it woke the tasks that it handed
            slots over to, so they are named again.
        is_paused: No task gets slots at present.
    """
    holding = set(task_holders(holders))
    waiting = [each for each in queue if each.task_id != leaver]
    without = [each for each in waiting if each.task_id not in holding]
    served, reserved = serve({} if is_paused else free_slots(holders, pools), without)
    complete = [each.task_id for each in waiting if each.task_id in served or (is_retry and each.task_id in holding)]
    given = {
        name
        for each in without
        if each.task_id in served
        for name in slot_names(each.task_id, each.n, served[each.task_id])
    }
    kept = {f"{_RESERVED}#{number}{pool.suffix}" for pool, free in reserved.items() for number in range(free)}
    if not complete and _is_stuck(holders) and not is_paused:
        return hand_over(frozenset(), queue, pools, leaver=leaver, is_retry=is_retry)
    return HandOver(frozenset(holders) | given | kept, complete)


def _is_stuck(holders: AbstractSet[str]) -> bool:
    """Whether slots are throttled while no task runs: no task would come by to release them when their time is over."""
    return bool(holders) and all(is_throttled(name) for name in holders)
