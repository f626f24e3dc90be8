"""The steps that submit and retry share: a key against paying twice, and what follows the new task."""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kiln_cli.failures import INTERRUPTED, USAGE, CommandFailed
from kiln_cli.pictures.follow import follow, hint_to_watch, watch_command
from kiln_cli.pictures.session import Session
from kiln_client import Kiln, NotListening, NotReachable, ServerFailed, Task


def key_or_new(given: str | None) -> str:
    """Returns the idempotency key, or a new one.

    Raises:
        CommandFailed: The key is empty, or a header cannot contain it.
    """
    if given is None:
        return uuid.uuid4().hex
    # An unset shell variable gives an empty key, which would protect from nothing.
    if not given.strip():
        raise CommandFailed("--idempotency-key: must not be empty", USAGE)
    if not (given.isascii() and given.isprintable()):
        raise CommandFailed("--idempotency-key: must be ASCII characters without line breaks", USAGE)
    return given


@contextmanager
def hint_to_repeat(key: str) -> Iterator[None]:
    """Adds the option that repeats the request safely to an error that leaves open whether a task was created."""
    hint = f"to repeat without paying twice: the same command with --idempotency-key {shlex.quote(key)}"
    try:
        yield
    except KeyboardInterrupt:
        raise CommandFailed(f"interrupted before the answer; {hint}", INTERRUPTED) from None
    except NotListening:
        raise
    except (NotReachable, ServerFailed) as error:
        error.add_note(hint)
        raise


def follow_or_print(
    session: Session, kiln: Kiln, task: Task, output: Path, *, no_wait: bool, timeout: float | None
) -> None:
    """Follows a new task to its end, or only prints its id."""
    if not no_wait:
        session.terminal.remark(f"Task {task.task_id}. Press Ctrl-C to stop watching; the task keeps running.")
        follow(session, kiln, [task.task_id], output=output, timeout=timeout)
        return
    with hint_to_watch(session, [task.task_id], output):
        if session.terminal.as_json:
            session.terminal.document(task.answer)
        else:
            session.terminal.lines([task.task_id])
            session.terminal.remark(f"To get its images: {watch_command(session, [task.task_id], output)}")
