"""The commands that make tasks: submit and retry."""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from kiln_cli.failures import INTERRUPTED, USAGE, CommandFailed
from kiln_cli.pictures import completing
from kiln_cli.pictures.arguments import IdempotencyKey, NoWait, Output, TaskId, Timeout
from kiln_cli.pictures.command import Session, command
from kiln_cli.pictures.following import finish, going_on, how_to_look_again, prepare
from kiln_client import Kiln, NotListening, NotReachable, ServerFailed, Task

RATIOS = ["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9"]
MODELS = ["kling-v2", "kling-v2-1"]

Images = Annotated[
    list[str],
    typer.Argument(
        metavar="IMAGE",
        help="One to four subjects: files (JPEG, PNG) or addresses",
        autocompletion=completing.images,
    ),
]
Scene = Annotated[
    str | None,
    typer.Option("--scene", metavar="IMAGE", help="Reference for the scene", autocompletion=completing.images),
]
Style = Annotated[
    str | None,
    typer.Option("--style", metavar="IMAGE", help="Reference for the style", autocompletion=completing.images),
]
Prompt = Annotated[str | None, typer.Option("--prompt", "-p", metavar="TEXT", help="What to make of the images")]
Ratio = Annotated[
    str | None,
    typer.Option(
        "--ratio", "-r", metavar="W:H", help="Width to height: " + ", ".join(RATIOS), autocompletion=lambda: RATIOS
    ),
]
Count = Annotated[int | None, typer.Option("--n", "-n", metavar="1-9", min=1, max=9, help="How many images")]
Model = Annotated[
    str | None,
    typer.Option("--model", "-m", metavar="NAME", help="One of " + ", ".join(MODELS), autocompletion=lambda: MODELS),
]
Watermark = Annotated[bool | None, typer.Option("--watermark", help="Ask for watermarked images", show_default=False)]
CallbackUrl = Annotated[str | None, typer.Option("--callback-url", metavar="URL", help="Told of the task's changes")]
ExternalId = Annotated[str | None, typer.Option("--external-id", metavar="ID", help="Your own id of the task")]


@command()
def submit(
    session: Session,
    images: Images,
    scene: Scene = None,
    style: Style = None,
    prompt: Prompt = None,
    ratio: Ratio = None,
    n: Count = None,
    model: Model = None,
    watermark: Watermark = None,
    callback_url: CallbackUrl = None,
    external_id: ExternalId = None,
    output: Output = Path(),
    no_wait: NoWait = False,
    timeout: Timeout = None,
    idempotency_key: IdempotencyKey = None,
) -> None:
    """Make images of yours into new ones.

    Sends them, waits, saves the results and prints their paths.
    """
    key = _key(idempotency_key)
    _prepare(output, no_wait=no_wait)
    with session.kiln() as kiln:
        session.terminal.remark(f"Sending {len(images)} image{'s' * (len(images) > 1)} to {session.connection.url} …")
        with _paid_once(key):
            task = kiln.create(
                *images,
                scene_image=scene,
                style_image=style,
                prompt=prompt,
                aspect_ratio=ratio,
                n=n,
                model_name=model,
                watermark=watermark,
                callback_url=callback_url,
                external_task_id=external_id,
                idempotency_key=key,
            )
        _accepted(session, kiln, task, output, no_wait=no_wait, timeout=timeout)


@command()
def retry(
    session: Session,
    task_id: TaskId,
    output: Output = Path(),
    no_wait: NoWait = False,
    timeout: Timeout = None,
    idempotency_key: IdempotencyKey = None,
) -> None:
    """Repeat an ended task's request as a new task.

    After a failure, or to have more of a good one.
    """
    key = _key(idempotency_key)
    _prepare(output, no_wait=no_wait)
    with session.kiln() as kiln:
        with _paid_once(key):
            task = kiln.retry(task_id, idempotency_key=key)
        _accepted(session, kiln, task, output, no_wait=no_wait, timeout=timeout)


def _key(given: str | None) -> str:
    if given is None:
        return uuid.uuid4().hex
    # An empty one, as of a variable that is not set, would be none.
    if not given.strip():
        raise CommandFailed("--idempotency-key: must not be empty", USAGE)
    if not (given.isascii() and given.isprintable()):
        raise CommandFailed("--idempotency-key: must be ASCII characters without line breaks", USAGE)
    return given


def _prepare(output: Path, *, no_wait: bool) -> None:
    if not no_wait:
        prepare(output)


@contextmanager
def _paid_once(key: str) -> Iterator[None]:
    """Whoever is not told whether there is a task now is told how to send the request again."""
    how = f"the same command with --idempotency-key {shlex.quote(key)} does not pay twice"
    try:
        yield
    except KeyboardInterrupt:
        raise CommandFailed(f"interrupted before the answer; {how}", INTERRUPTED) from None
    except NotListening:
        raise
    except (NotReachable, ServerFailed) as error:
        error.add_note(how)
        raise


def _accepted(session: Session, kiln: Kiln, task: Task, output: Path, *, no_wait: bool, timeout: float | None) -> None:
    if not no_wait:
        session.terminal.remark(f"Task {task.task_id}. Ctrl-C stops looking, not the task.")
        finish(session, kiln, [task.task_id], output=output, timeout=timeout)
        return
    with going_on(session, [task.task_id], output):
        if session.terminal.as_json:
            session.terminal.document(task.answer)
        else:
            session.terminal.lines([task.task_id])
            how = how_to_look_again(session, [task.task_id], output)
            session.terminal.remark(f"To have its images: {how}")
