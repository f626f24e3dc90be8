"""``kiln submit``: creates a task."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kiln_cli.failures import USAGE, CommandFailed
from kiln_cli.pictures import completion
from kiln_cli.pictures.arguments import IdempotencyKey, NoWait, Output, Timeout
from kiln_cli.pictures.batches import jobs_of_file, jobs_of_folder, submit_batch
from kiln_cli.pictures.follow import check_folder
from kiln_cli.pictures.new_task import follow_or_print, hint_to_repeat, key_or_new
from kiln_cli.pictures.open_console import Web, open_task
from kiln_cli.pictures.session import Session
from kiln_cli.pictures.texts import read_piped_image, read_text
from kiln_cli.statuses import STATUSES, read_statuses
from kiln_client import BatchOptions, ImageSource, Job, TaskOptions
from kiln_client.images import read_image
from kiln_client.settings import is_address

RATIOS = ["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9"]
MODELS = ["kling-v2", "kling-v2-1"]
LARGEST_SUBJECTS = 4
PROMPT_CHARACTERS = 2_500

Images = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="IMAGE",
        help="One to four subjects: JPEG or PNG files, addresses, or - for a pipe",
        autocompletion=completion.images,
    ),
]
Scene = Annotated[
    str | None,
    typer.Option("--scene", metavar="IMAGE", help="Reference for the scene", autocompletion=completion.images),
]
Style = Annotated[
    str | None,
    typer.Option("--style", metavar="IMAGE", help="Reference for the style", autocompletion=completion.images),
]
Prompt = Annotated[
    str | None,
    typer.Option(
        "--prompt", "-p", metavar="TEXT", help="Describes the images to generate; @FILE reads a file, - a pipe"
    ),
]
Ratio = Annotated[
    str | None,
    typer.Option(
        "--ratio", "-r", metavar="W:H", help="Aspect ratio: " + ", ".join(RATIOS), autocompletion=lambda: RATIOS
    ),
]
Count = Annotated[int | None, typer.Option("--n", "-n", metavar="1-9", min=1, max=9, help="How many images")]
Model = Annotated[
    str | None,
    typer.Option("--model", "-m", metavar="NAME", help="One of " + ", ".join(MODELS), autocompletion=lambda: MODELS),
]
Watermark = Annotated[bool | None, typer.Option("--watermark", help="Watermark the images", show_default=False)]
CallbackUrl = Annotated[
    str | None, typer.Option("--callback-url", metavar="URL", help="Webhook URL, notified at each change of status")
]
CallbackStatuses = Annotated[
    str | None,
    typer.Option("--callback-statuses", metavar="LIST", help="Notify of these only: " + ",".join(STATUSES)),
]
ExternalId = Annotated[str | None, typer.Option("--external-id", metavar="ID", help="Your own id of the task")]

Low = Annotated[
    bool, typer.Option("--low", help="Low priority: wait behind every task of normal priority", show_default=False)
]

Jobs = Annotated[
    Path | None,
    typer.Option("--jobs", metavar="FILE", help="Many tasks: a file with a create body in each line", dir_okay=False),
]
Each = Annotated[bool, typer.Option("--each", help="Many tasks: IMAGE is a folder, one task for each picture in it")]


def submit(
    session: Session,
    images: Images = None,
    scene: Scene = None,
    style: Style = None,
    prompt: Prompt = None,
    ratio: Ratio = None,
    n: Count = None,
    model: Model = None,
    watermark: Watermark = None,
    callback_url: CallbackUrl = None,
    callback_statuses: CallbackStatuses = None,
    external_id: ExternalId = None,
    low: Low = False,
    jobs: Jobs = None,
    each: Each = False,
    web: Web = False,
    output: Output = Path(),
    no_wait: NoWait = False,
    timeout: Timeout = None,
    idempotency_key: IdempotencyKey = None,
) -> None:
    """Generate new images from yours.

    Sends your images, waits, saves the results and prints their paths.
    """
    key = key_or_new(idempotency_key)
    check_choice("--ratio", ratio, RATIOS)
    check_choice("--model", model, MODELS)
    if callback_url is not None and not is_address(callback_url):
        raise CommandFailed(f"--callback-url: must start with https:// or http://, got {callback_url}", USAGE)
    statuses = read_statuses(callback_statuses)
    images = images or []
    piped = [prompt, *images, scene, style].count("-")
    if piped > 1:
        raise CommandFailed(f"-: one argument can read from a pipe, got {piped}", USAGE)
    options: TaskOptions = {
        "prompt": read_prompt(prompt),
        "scene_image": _maybe_read(scene),
        "style_image": _maybe_read(style),
        "aspect_ratio": ratio,
        "n": n,
        "model_name": model,
        "watermark": watermark,
        "priority": "low" if low else None,
    }
    if jobs is not None or each:
        _check_batch({"--web": web, "--callback-statuses": statuses})
        made = _jobs(images, jobs, options, is_each=each)
        batch: BatchOptions = {"callback_url": callback_url, "external_batch_id": external_id}
        submit_batch(session, made, batch, key=key, output=output, no_wait=no_wait, timeout=timeout)
        return
    if not 1 <= len(images) <= LARGEST_SUBJECTS:
        raise CommandFailed(f"IMAGE: must be 1 to {LARGEST_SUBJECTS} images, got {len(images)}", USAGE)
    subjects = [_read(image) for image in images]
    given: TaskOptions = {
        **options,
        "callback_url": callback_url,
        "callback_statuses": statuses,
        "external_task_id": external_id,
        "idempotency_key": key,
    }
    with session.kiln() as kiln:
        if not no_wait:
            check_folder(output)
        count = f"{len(images)} image{'s' * (len(images) > 1)}"
        session.terminal.remark(f"Sending {count} to {session.connection.url} …")
        with hint_to_repeat(key):
            task = kiln.create(*subjects, **given)
        if web:
            open_task(session, task.task_id)
        follow_or_print(session, kiln, task, output, no_wait=no_wait, timeout=timeout)


def read_prompt(given: str | None) -> str | None:
    """The text of ``--prompt``.

    Raises:
        CommandFailed: It cannot be read, or it is too long.
    """
    prompt = read_text("--prompt", given)
    if prompt and len(prompt) > PROMPT_CHARACTERS:
        raise CommandFailed(f"--prompt: must be at most {PROMPT_CHARACTERS:,} characters, got {len(prompt):,}", USAGE)
    return prompt


def check_choice(option: str, given: str | None, choices: list[str]) -> None:
    """Refuses a value that is none of the choices, before anything is sent.

    Raises:
        CommandFailed: It is none of them.
    """
    if given is not None and given not in choices:
        raise CommandFailed(f"{option}: must be one of {', '.join(choices)}, got {given}", USAGE)


def _check_batch(options: dict[str, object]) -> None:
    """Refuses options that a batch would ignore: it has no page in the console, and one webhook, at its end."""
    if given := [option for option, value in options.items() if value]:
        raise CommandFailed(f"{given[0]}: must not be passed with --jobs or --each; it is for one task", USAGE)


def _jobs(images: list[str], file: Path | None, options: TaskOptions, *, is_each: bool) -> list[Job]:
    if file is not None:
        if images or is_each:
            raise CommandFailed("--jobs: must not be passed with IMAGE or --each; the file names the images", USAGE)
        return jobs_of_file(file, options)
    if len(images) != 1:
        raise CommandFailed(f"--each: IMAGE must be one folder, got {len(images)}", USAGE)
    return jobs_of_folder(Path(images[0]), options)


def _read(image: str) -> ImageSource:
    found = read_image(read_piped_image(image) if image == "-" else image)
    return found if isinstance(found, str) else found.content


def _maybe_read(image: str | None) -> ImageSource | None:
    return None if image is None else _read(image)
