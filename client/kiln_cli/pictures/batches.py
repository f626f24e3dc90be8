"""``kiln batch``, and what ``kiln submit`` does with many jobs at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from kiln_cli.failures import USAGE, CommandFailed
from kiln_cli.pictures.follow import check_folder, hint_to_watch, print_result
from kiln_cli.pictures.new_task import hint_to_repeat
from kiln_cli.pictures.session import PicturesCommand, Session
from kiln_client import Batch, BatchOptions, ImageSource, Job, Kiln, TaskOptions
from kiln_client.images import read_image
from kiln_client.settings import is_address

app = typer.Typer(name="batch", help="Batches: show one, cancel one.", no_args_is_help=True)

BatchId = Annotated[str, typer.Argument(metavar="ID", help="The batch's id or your external id")]

MOST_JOBS = 100
_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
_REFERENCES = ("scene_image", "style_image")
_COUNTED = ("submitted", "processing", "succeed", "failed", "refused")


@app.command("show", cls=PicturesCommand)
def show(session: Session, batch_id: BatchId) -> None:
    """Show how far a batch is, and its tasks."""
    with session.kiln() as kiln:
        _print(session, kiln.batch(batch_id))


@app.command("cancel", cls=PicturesCommand)
def cancel(session: Session, batch_id: BatchId) -> None:
    """Cancel the tasks of a batch that wait in the queue."""
    with session.kiln() as kiln:
        _print(session, kiln.cancel_batch(batch_id))


def jobs_of_folder(folder: Path, options: TaskOptions) -> list[Job]:
    """One job for each picture of a folder, in the order of their names.

    Raises:
        CommandFailed: The folder has no pictures, or too many.
    """
    try:
        images = sorted(each for each in folder.iterdir() if each.suffix.lower() in _SUFFIXES)
    except OSError as error:
        raise CommandFailed(f"{folder}: {error.strerror or error}", USAGE) from None
    # The number comes first: a hundred images take a while to read.
    _check_number(images, f"{folder}: must have", "JPEG or PNG files")
    return [Job(_content(image), **options) for image in images]


def jobs_of_file(file: Path, options: TaskOptions) -> list[Job]:
    """The jobs of a file with one create body a line; images may be files beside it.

    Raises:
        CommandFailed: A line is not a JSON object, or there are no jobs, or too many.
    """
    try:
        lines = [line for line in file.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{file}: {getattr(error, 'strerror', None) or error}", USAGE) from None
    _check_number(lines, f"{file}: must have", "jobs")
    return [_job(file, number, line, options) for number, line in enumerate(lines, 1)]


def submit_batch(
    session: Session,
    jobs: list[Job],
    options: BatchOptions,
    *,
    key: str,
    output: Path,
    no_wait: bool,
    timeout: float | None,
) -> None:
    """Creates a batch and follows it to its end, or only prints its id.

    Raises:
        CommandFailed: A job was refused, or a task has failed.
    """
    if not no_wait:
        check_folder(output)
    with session.kiln() as kiln:
        session.terminal.remark(f"Sending {len(jobs)} jobs to {session.connection.url} …")
        with hint_to_repeat(key):
            options["idempotency_key"] = key
            batch = kiln.create_batch(jobs, **options)
        failed = [f"job {each['job']} is refused: {each['message']}" for each in batch.refused]
        if no_wait:
            _print_id(session, batch)
        else:
            session.terminal.remark(f"Batch {batch.batch_id}. Press Ctrl-C to stop watching; the tasks keep running.")
            failed += _follow(session, kiln, batch, output, timeout)
    if failed:
        raise CommandFailed("; ".join(failed))


def _follow(session: Session, kiln: Kiln, batch: Batch, output: Path, timeout: float | None) -> list[str]:
    printed: set[str] = set()
    failed: list[str] = []
    with hint_to_watch(session, batch.task_ids, output):
        for now in kiln.follow_batch(batch.batch_id, timeout=timeout):
            session.terminal.remark(_in_words(now.counts))
            for task in now.tasks:
                if task.is_finished and task.task_id not in printed:
                    printed.add(task.task_id)
                    print_result(session, task, kiln.save(task, output) if task.has_succeeded else [])
                    failed += [] if task.has_succeeded else [f"task {task.task_id} failed: {task.task_status_msg}"]
    return failed


def _print_id(session: Session, batch: Batch) -> None:
    if session.terminal.as_json:
        session.terminal.document(batch.answer)
    else:
        session.terminal.lines([batch.batch_id])
        session.terminal.remark(f"To see how far it is: kiln batch show {batch.batch_id}")


def _print(session: Session, batch: Batch) -> None:
    terminal = session.terminal
    if terminal.as_json:
        terminal.document(batch.answer)
        return
    terminal.remark(f"Batch {batch.batch_id}: {_in_words(batch.counts)}")
    terminal.rows(
        [task.task_id, task.task_status, task.task_status_msg or task.external_task_id] for task in batch.tasks
    )


def _in_words(counts: Mapping[str, Any]) -> str:
    some = [f"{counts[name]} {name}" for name in _COUNTED if counts.get(name)]
    return f"{counts.get('jobs', 0)} jobs: {', '.join(some) or 'none has begun'}"


def _job(file: Path, number: int, line: str, options: TaskOptions) -> Job:
    try:
        body = json.loads(line)
    except ValueError as error:
        raise CommandFailed(f"{file}: line {number} must be a JSON object, got {error}", USAGE) from None
    if not isinstance(body, dict):
        raise CommandFailed(f"{file}: line {number} must be a JSON object, got {type(body).__name__}", USAGE)
    subjects = body.pop("subject_image_list", None) or []
    images = [each.get("subject_image", "") if isinstance(each, dict) else each for each in subjects]
    fields = {**options, **body}
    for name in _REFERENCES:
        if isinstance(fields.get(name), str):
            fields[name] = _image(file, str(fields[name]))
    if "watermark_info" in fields:
        fields["watermark"] = bool((fields.pop("watermark_info") or {}).get("enabled"))
    if unknown := fields.keys() - TaskOptions.__annotations__.keys():
        raise CommandFailed(f"{file}: line {number} has unknown fields: {', '.join(sorted(unknown))}", USAGE)
    return Job(*(_image(file, str(each)) for each in images), **cast("TaskOptions", fields))


def _image(file: Path, written: str) -> ImageSource:
    is_elsewhere = is_address(written) or written.startswith(("kiln-upload://", "data:"))
    return written if is_elsewhere else _content(file.parent / written)


def _content(image: Path) -> ImageSource:
    """An image as it is now, checked before anything is sent."""
    found = read_image(image)
    return found if isinstance(found, str) else found.content


def _check_number(found: Sequence[object], where: str, what: str) -> None:
    if not 1 <= len(found) <= MOST_JOBS:
        raise CommandFailed(f"{where} 1 to {MOST_JOBS} {what}, got {len(found)}", USAGE)
