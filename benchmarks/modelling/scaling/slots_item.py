"""The item of the slots: every task writes it twice, so it limits how many slots one stack can have."""

from __future__ import annotations

from benchmarks.data.quotas import quotas
from benchmarks.modelling.dynamodb_units import write_units
from benchmarks.modelling.waiting.stages import Stages, capacity

SLOT_NAME_BYTES = 34
"""``<task id>#<number>``."""

WRITES = 2
"""A task acquires its slots and releases them. A concurrent write costs each of them one more attempt."""


def units_per_task(slots: int) -> int:
    """Return the write units that one task uses when all slots are held."""
    return WRITES * write_units(slots * SLOT_NAME_BYTES)


def slots_that_exhaust_it(stages: Stages) -> int:
    """Return the fewest slots whose tasks of n = 1 use all the writes of one key when every slot is busy."""
    most = quotas()["partition_writes"].large
    slots = 1
    while capacity(stages, {1: 1}, slots) * units_per_task(slots) < most:
        slots += 1
    return slots
