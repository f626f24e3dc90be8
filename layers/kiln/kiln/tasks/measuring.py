"""Measures an ended task: the duration of each stage, and its end."""

from __future__ import annotations

import math

from kiln import metrics
from kiln.contract.vocabulary import Stage
from kiln.tasks.task import Task


def succeeded(task: Task) -> None:
    """Measures a task that has just succeeded."""
    metrics.record(metrics.SUCCEEDED)
    metrics.record(metrics.IMAGES_STORED, len(task.result))
    metrics.record(metrics.BYTES_STORED, sum(image.size for image in task.result))
    if task.images_missing:
        metrics.record(metrics.IMAGES_MISSING, task.images_missing)
    units = _number(task.final_unit_deduction)
    if units is not None:
        metrics.record(metrics.UNITS_DEDUCTED, units)
    for stage, seconds in stage_seconds(task).items():
        metrics.record(metrics.STAGE_SECONDS, seconds, of=stage)


def failed(failure: metrics.Failure) -> None:
    """Measures a task that has just failed."""
    metrics.record(metrics.FAILED, of=failure)


def stage_seconds(task: Task) -> dict[str, float]:
    """How long a task that succeeded was in each stage; a stage whose moments were not written down is left out."""
    moments = {
        Stage.WAITING.value: (task.created_at, task.slots_acquired_at),
        Stage.DISPATCHING.value: (task.slots_acquired_at, task.dispatched_at),
        Stage.GENERATING.value: (task.dispatched_at, task.collecting_at),
        Stage.COLLECTING.value: (task.collecting_at, task.updated_at),
        metrics.TOTAL: (task.created_at, task.updated_at),
    }
    return {stage: max(0, end - begin) / 1_000 for stage, (begin, end) in moments.items() if begin and end}


def _number(text: str) -> float | None:
    """The provider's units, which it writes as a decimal text."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
