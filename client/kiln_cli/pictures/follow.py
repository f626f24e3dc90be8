"""Follows tasks to their end: shows their progress, saves their images, prints the results."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kiln_cli import thumbnails
from kiln_cli.failures import INTERRUPTED, CommandFailed
from kiln_cli.pictures.progress_view import view
from kiln_cli.pictures.session import Session
from kiln_client import Kiln, NotFound, Task
from kiln_client.images import write_whole


def follow(
    session: Session,
    kiln: Kiln,
    task_ids: Sequence[str],
    *,
    output: Path | None,
    timeout: float | None,
    print_changes: bool = False,
) -> None:
    """Follows tasks to their end, saves their images and prints the results.

    Args:
        session: The command's session.
        kiln: The client to use.
        task_ids: The tasks.
        output: The folder for the images; ``None`` saves nothing.
        timeout: Longest time to wait, in seconds.
        print_changes: Whether ``--json`` prints every change too.

    Raises:
        CommandFailed: A task has failed, or the user has pressed Ctrl-C.
    """
    with hint_to_watch(session, task_ids, output):
        with view(session.terminal, len(task_ids)) as shown:
            for progress in kiln.follow(*task_ids, timeout=timeout):
                shown.update(progress)
                if print_changes and session.terminal.as_json:
                    session.terminal.document(progress.answer)
        tasks = [kiln.get(task_id) for task_id in task_ids]
        for task in tasks:
            files = kiln.save(task, output) if output is not None and task.has_succeeded else []
            print_result(session, task, files)
    failed = [task for task in tasks if not task.has_succeeded]
    if failed:
        raise CommandFailed(
            "; ".join(f"task {task.task_id} failed: {task.task_status_msg or 'no reason given'}" for task in failed)
        )


@contextmanager
def hint_to_watch(session: Session, task_ids: Sequence[str], output: Path | None) -> Iterator[None]:
    """Adds the ``kiln watch`` command to any error: the tasks keep running, and they are paid for.

    Raises:
        CommandFailed: The user has pressed Ctrl-C.
    """
    hint = f"to watch again: {watch_command(session, task_ids, output)}"
    try:
        yield
    except KeyboardInterrupt:
        subject = "the task keeps running" if len(task_ids) == 1 else "the tasks keep running"
        raise CommandFailed(f"interrupted, but {subject}; {hint}", INTERRUPTED) from None
    except BrokenPipeError:
        # Click would end the process without a message.
        raise CommandFailed(f"the output's reader is gone; {hint}") from None
    except NotFound:
        # The id is mistyped: there is no task to watch.
        raise
    except Exception as error:
        error.add_note(hint)
        raise


def watch_command(session: Session, task_ids: Sequence[str], output: Path | None) -> str:
    """The command that watches tasks of the same Kiln. It does not contain the key."""
    named = {"--profile": session.profile, "--url": session.url, "--output": output}
    options = [word for name, value in named.items() if value is not None for word in (name, str(value))]
    return shlex.join(["kiln", "watch", *task_ids, *options])


def check_folder(output: Path) -> None:
    """Creates the folder for images and writes a file to it, before anything is paid for.

    Raises:
        CommandFailed: The folder takes no files.
    """
    try:
        write_whole(output / f".kiln.{os.getpid()}", b"test").unlink()
    except OSError as error:
        raise CommandFailed(f"{output}: {error.strerror or error}") from None


def print_result(session: Session, task: Task, files: Sequence[Path]) -> None:
    """Prints an ended task: its files, or the links to its images."""
    terminal = session.terminal
    if terminal.as_json:
        terminal.document({**task.answer, "files": [str(file) for file in files]})
        return
    if terminal.is_watched:
        thumbnails.show(terminal.console, files)
    terminal.lines(files or [image.url for image in task.images])
