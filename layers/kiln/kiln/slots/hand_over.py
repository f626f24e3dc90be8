"""How free slots are handed over to the tasks that wait: the rule alone, without a database.

A slot is a string, ``<holder>#<number>``. The holder is a task, or one of two words. A *reserved* slot is free, but
waits for the first task of the queue, which needs more slots than are free. A *throttled* slot is not used for a while,
as the provider refused a task although Kiln had slots left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

_RESERVED = "reserved"
_THROTTLED = "throttled"


@dataclass(frozen=True)
class Waiting:
    """A task in the queue.

    Attributes:
        task_id: The task.
        n: How many images it generates, and so how many slots it needs.
        turn: Its place in the order of the queue.
    """

    task_id: str
    n: int
    turn: int = 0


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


def slot_names(task_id: str, n: int, limit: int) -> list[str]:
    """The slots of a task of ``n`` images; a task of more images than there are slots takes all of them."""
    return [f"{task_id}#{number}" for number in range(min(n, limit))]


def throttled_names(number: int, first_until: int, apart: int) -> list[str]:
    """Throttled slots: the first until ``first_until`` (seconds since the epoch), each next ``apart`` seconds later."""
    return [f"{_THROTTLED}#{first_until + each * apart}#{each}" for each in range(number)]


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


def may_hand_over(holders: AbstractSet[str], limit: int) -> bool:
    """Whether any slot is free, or would be if no task had to wait for what is throttled."""
    return len(holders) < limit or _is_stuck(holders)


def has_room(holders: AbstractSet[str], n: int, limit: int) -> bool:
    """Whether a task of ``n`` images can acquire its slots: reserved and throttled slots count as in use."""
    return len(holders) <= room(n, limit)


def room(n: int, limit: int) -> int:
    """How many slots may be in use for a task of ``n`` images still to fit."""
    return limit - min(n, limit)


def serve(free: int, needs: Iterable[int]) -> tuple[int, int]:
    """How many tasks from the front of the queue get their slots: each all of its slots, or none.

    Args:
        free: How many slots are free.
        needs: How many slots each task needs, the next task first.

    Returns:
        How many tasks are served, and how many slots stay reserved for the first task that is not.
    """
    served = 0
    for need in needs:
        if need > free:
            return served, free
        served += 1
        free -= need
    return served, 0


def hand_over(
    holders: AbstractSet[str],
    queue: Sequence[Waiting],
    limit: int,
    *,
    leaver: str = "",
    is_retry: bool = False,
    is_paused: bool = False,
) -> HandOver:
    """Hands free slots over in the order of the queue: each task gets all of its slots, or none.

    Where the first task needs more slots than are free, the free ones are reserved, in the name of no task. Newcomers
    then find them in use, and the next release hands them over again. So small tasks cannot starve a large one, and two
    large tasks cannot hold a part each.

    Args:
        holders: The slots in use, as ``in_use`` gives them.
        queue: The tasks that wait, the next one first.
        limit: How many slots the account has.
        leaver: The task that releases its slots; the queue's index may still name it.
        is_retry: The slots were released before. The first run may have stopped before it woke the tasks that it handed
            slots over to, so they are named again.
        is_paused: No task gets slots at present.
    """
    names = {each.task_id: slot_names(each.task_id, each.n, limit) for each in queue if each.task_id != leaver}
    without = [task_id for task_id, needed in names.items() if needed[0] not in holders]
    free = 0 if is_paused else limit - len(holders)
    served, reserved = serve(free, [len(names[task_id]) for task_id in without])
    got = set(without[:served])
    complete = [task_id for task_id in names if task_id in got or (is_retry and task_id not in without)]
    given = {name for task_id in got for name in names[task_id]}
    handed = HandOver(frozenset(holders) | given | {f"{_RESERVED}#{number}" for number in range(reserved)}, complete)
    if not complete and _is_stuck(holders) and not is_paused:
        return hand_over(frozenset(), queue, limit, leaver=leaver, is_retry=is_retry)
    return handed


def _is_stuck(holders: AbstractSet[str]) -> bool:
    """Whether slots are throttled while no task runs: no task would come by to release them when their time is over."""
    return bool(holders) and all(is_throttled(name) for name in holders)
