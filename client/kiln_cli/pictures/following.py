"""Following tasks to their end: their stages are shown, their images saved, and what came of it is told."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kiln_cli import thumbnails
from kiln_cli.failures import INTERRUPTED, CommandFailed
from kiln_cli.pictures.command import Session
from kiln_client import Kiln, NotFound, Progress, Task
from kiln_client.images import write_whole

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

STAGES = {
    "waiting": "waits for its turn",
    "dispatching": "is being handed to the provider",
    "generating": "is being generated",
    "collecting": "is done, its images are being copied",
    "succeed": "has succeeded",
    "failed": "has failed",
}

STEPS = {
    "accepted": "accepted",
    "turn": "it is its turn",
    "dispatched": "the provider has it",
    "collecting": "generated, copying the images",
    "succeed": "done",
    "failed": "failed",
}


def stage_in_words(progress: Progress) -> str:
    """Where a task is, as one reads it."""
    words = STAGES.get(progress.stage, progress.stage)
    if progress.queue_position is not None:
        words += f", {progress.queue_position}. in line" if progress.queue_position > 1 else ", next in line"
    if progress.refusal:
        words += f" ({progress.refusal})"
    return words


def finish(
    session: Session,
    kiln: Kiln,
    task_ids: Sequence[str],
    *,
    output: Path | None,
    timeout: float | None,
    each: bool = False,
) -> None:
    """Follows tasks to their end, saves their images, and tells what came of them.

    Args:
        session: The run of the command.
        kiln: Whom to ask.
        task_ids: The tasks.
        output: Where to save images; nowhere if there is none.
        timeout: Seconds to wait at most.
        each: Whether JSON tells of every change on the way.

    Raises:
        CommandFailed: A task has failed, or somebody has pressed Ctrl-C.
    """
    with going_on(session, task_ids, output):
        with _view(session, len(task_ids)) as view:
            for progress in kiln.follow(*task_ids, timeout=timeout):
                view.update(progress)
                if each and session.terminal.as_json:
                    session.terminal.document(progress.answer)
        tasks = [kiln.get(task_id) for task_id in task_ids]
        for task in tasks:
            tell(session, task, save(kiln, task, output))
    failed = [task for task in tasks if not task.has_succeeded]
    if failed:
        raise CommandFailed(
            "; ".join(f"task {task.task_id} failed: {task.task_status_msg or 'no reason given'}" for task in failed)
        )


@contextmanager
def going_on(session: Session, task_ids: Sequence[str], output: Path | None) -> Iterator[None]:
    """Tasks are kept, and paid for, whatever ends the looking at them: what is told of that says how to look again.

    Args:
        session: The run of the command.
        task_ids: The tasks.
        output: Where their images are saved; nowhere if there is none.

    Raises:
        CommandFailed: Somebody has pressed Ctrl-C.
    """
    how = f"to look again: {how_to_look_again(session, task_ids, output)}"
    try:
        yield
    except KeyboardInterrupt:
        whom = "the task goes on" if len(task_ids) == 1 else "the tasks go on"
        raise CommandFailed(f"interrupted, but {whom}; {how}", INTERRUPTED) from None
    except BrokenPipeError:
        # Click would end the process without a word.
        raise CommandFailed(f"nobody reads what this writes; {how}") from None
    except NotFound:
        # An id that somebody has mistyped.
        raise
    except Exception as error:
        error.add_note(how)
        raise


def how_to_look_again(session: Session, task_ids: Sequence[str], output: Path | None) -> str:
    """The command that follows tasks, at the same Kiln; a key is not repeated."""
    named = {"--profile": session.profile, "--url": session.url, "--output": output}
    options = [word for name, value in named.items() if value is not None for word in (name, str(value))]
    return shlex.join(["kiln", "watch", *task_ids, *options])


def prepare(output: Path) -> None:
    """Makes the folder for images and sees that it takes files, while nothing is paid for yet.

    Raises:
        CommandFailed: It does not.
    """
    try:
        write_whole(output / f".kiln.{os.getpid()}", b"a try").unlink()
    except OSError as error:
        raise CommandFailed(f"{output}: {error.strerror or error}") from None


def save(kiln: Kiln, task: Task, output: Path | None) -> list[Path]:
    """Saves the images of a task that has some, if there is a place for them."""
    return list(kiln.save(task, output)) if output is not None and task.has_succeeded else []


def tell(session: Session, task: Task, files: Sequence[Path]) -> None:
    """Tells of an ended task: its files, or else its images' links."""
    terminal = session.terminal
    if terminal.as_json:
        terminal.document({**task.answer, "files": [str(file) for file in files]})
        return
    if terminal.is_watched:
        thumbnails.show(terminal.console, files)
    terminal.lines(files or [image.url for image in task.images])


class _Quiet:
    """Shows nothing."""

    def update(self, progress: Progress) -> None:
        """Passes over a change."""


class _Live(_Quiet):
    """Shows a line a task, with its stage and its age, and for a single task the steps that it has taken."""

    def __init__(self, bars: Bars, *, is_single: bool) -> None:
        self._bars = bars
        self._is_single = is_single
        self._rows: dict[str, TaskID] = {}
        self._steps = 0

    def update(self, progress: Progress) -> None:
        """Shows a change."""
        from rich.text import Text  # noqa: PLC0415 - pipes do not need it

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
            # A task with a total is over for its spinner.
            self._bars.update(row, total=1, completed=1, visible=not self._is_single)

    def _row(self, progress: Progress, words: str) -> TaskID:
        if progress.task_id in self._rows:
            self._bars.update(self._rows[progress.task_id], description=words)
        else:
            row = self._rows[progress.task_id] = self._bars.add_task(words, total=None)
            accepted_at = progress.steps[0].at / 1_000 if progress.steps else time.time()
            # The two clocks may differ; a task is never younger than nothing.
            self._bars.tasks[row].start_time = self._bars.get_time() - max(0.0, time.time() - accepted_at)
        return self._rows[progress.task_id]


@contextmanager
def _view(session: Session, count: int) -> Iterator[_Quiet]:
    if not session.terminal.is_watched:
        yield _Quiet()
        return
    from rich.progress import Progress as Bars  # noqa: PLC0415 - pipes do not need it
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (SpinnerColumn(finished_text="·"), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Bars(*columns, console=session.terminal.aside, transient=count == 1) as bars:
        yield _Live(bars, is_single=count == 1)
