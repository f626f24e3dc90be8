"""Shows the progress of tasks in a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kiln_cli.terminal import Terminal
from kiln_client import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

STAGES = {
    "waiting": "waiting in the queue",
    "dispatching": "being sent to the provider",
    "generating": "generating",
    "collecting": "generated; saving the images",
    "succeed": "done",
    "failed": "failed",
}

STEPS = {
    "accepted": "accepted",
    "slots_acquired": "left the queue",
    "dispatched": "sent to the provider",
    "collecting": "generated; saving the images",
    "succeed": "done",
    "failed": "failed",
}

_ORDINALS = {1: "st", 2: "nd", 3: "rd"}


def stage_in_words(progress: Progress) -> str:
    """A task's stage as a phrase: ``generating``, ``2nd in the queue``."""
    words = STAGES.get(progress.stage, progress.stage)
    if progress.queue_position is not None:
        words = f"{_ordinal(progress.queue_position)} in the queue"
    if progress.is_paused:
        words += "; paused by the operator"
    if progress.eta_seconds is not None:
        words += f", about {progress.eta_seconds:,} s left"
    if progress.refusal:
        words += f" ({progress.refusal})"
    return words


class View:
    """Shows nothing, for a pipe."""

    def update(self, progress: Progress) -> None:
        """Ignores a change."""


class LiveView(View):
    """Shows one line per task with its stage and its age, and the steps of a single task."""

    def __init__(self, bars: Bars, *, is_single: bool) -> None:
        self._bars = bars
        self._is_single = is_single
        self._rows: dict[str, TaskID] = {}
        self._steps = 0

    def update(self, progress: Progress) -> None:
        """Shows a change."""
        from rich.text import Text  # noqa: PLC0415 - a pipe does not need it

        words = stage_in_words(progress)
        if not self._is_single:
            words = f"{progress.task_id} {words}"
        row = self._row(progress, words)
        if self._is_single:
            for step in progress.steps[self._steps :]:
                reached = STEPS.get(step.step, step.step)
                after = Text(f"{(step.at - progress.steps[0].at) / 1_000:6.1f} s", style="cyan")
                self._bars.console.print(Text.assemble("  ", after, "  ", reached))
            self._steps = len(progress.steps)
        if progress.is_finished:
            self._bars.stop_task(row)
            # The total stops the row's spinner.
            self._bars.update(row, total=1, completed=1, visible=not self._is_single)

    def _row(self, progress: Progress, words: str) -> TaskID:
        if progress.task_id in self._rows:
            self._bars.update(self._rows[progress.task_id], description=words)
        else:
            row = self._rows[progress.task_id] = self._bars.add_task(words, total=None)
            accepted_at = progress.steps[0].at / 1_000 if progress.steps else time.time()
            # The clocks of the API and of this computer may differ; an age is never negative.
            self._bars.tasks[row].start_time = self._bars.get_time() - max(0.0, time.time() - accepted_at)
        return self._rows[progress.task_id]


@contextmanager
def view(terminal: Terminal, count: int) -> Iterator[View]:
    """A view of some tasks: live in a terminal, empty in a pipe."""
    if not terminal.is_watched:
        yield View()
        return
    from rich.progress import Progress as Bars  # noqa: PLC0415 - a pipe does not need it
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (SpinnerColumn(finished_text="·"), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Bars(*columns, console=terminal.aside, transient=count == 1) as bars:
        yield LiveView(bars, is_single=count == 1)


def _ordinal(number: int) -> str:
    suffix = "th" if number % 100 in {11, 12, 13} else _ORDINALS.get(number % 10, "th")
    return "next" if number == 1 else f"{number:,}{suffix}"
