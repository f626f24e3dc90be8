"""``kiln rerun``: a new task with the images of another one, and with changes to its request."""

from __future__ import annotations

from pathlib import Path

from kiln_cli.pictures.arguments import IdempotencyKey, NoWait, Output, TaskId, Timeout
from kiln_cli.pictures.follow import check_folder
from kiln_cli.pictures.new_task import follow_or_print, hint_to_repeat, key_or_new
from kiln_cli.pictures.open_console import Web, open_task
from kiln_cli.pictures.session import Session
from kiln_cli.pictures.submit import MODELS, RATIOS, Count, Model, Prompt, Ratio, check_choice, read_prompt
from kiln_client import Kiln
from kiln_client.images import ImageSource

_SIGNED = "X-Amz-Signature="


def rerun(
    session: Session,
    task_id: TaskId,
    prompt: Prompt = None,
    ratio: Ratio = None,
    n: Count = None,
    model: Model = None,
    web: Web = False,
    output: Output = Path(),
    no_wait: NoWait = False,
    timeout: Timeout = None,
    idempotency_key: IdempotencyKey = None,
) -> None:
    """Create a task from another task's images and request, with your changes.

    What you don't give stays as it was. The other task may be in any status.
    """
    key = key_or_new(idempotency_key)
    check_choice("--ratio", ratio, RATIOS)
    check_choice("--model", model, MODELS)
    prompt = read_prompt(prompt)
    with session.kiln() as kiln:
        if not no_wait:
            check_folder(output)
        before = kiln.request(task_id)
        subjects = [_image(kiln, each) for each in before.subject_images]
        session.terminal.remark(f"Sending the images of {task_id} to {session.connection.url} …")
        with hint_to_repeat(key):
            task = kiln.create(
                *subjects,
                scene_image=before.scene_image and _image(kiln, before.scene_image),
                style_image=before.style_image and _image(kiln, before.style_image),
                prompt=before.prompt if prompt is None else prompt,
                aspect_ratio=ratio or before.aspect_ratio,
                n=n or before.n,
                model_name=model or before.model_name,
                watermark=before.watermarked,
                callback_url=before.callback_url or None,
                callback_statuses=before.callback_statuses or None,
                priority="low" if before.priority == "low" else None,
                idempotency_key=key,
            )
        if web:
            open_task(session, task.task_id)
        follow_or_print(session, kiln, task, output, no_wait=no_wait, timeout=timeout)


def _image(kiln: Kiln, link: str) -> ImageSource:
    """An image of the other request: the link to a stored one ends in an hour, so its bytes are sent again."""
    return kiln.download(link) if _SIGNED in link else link
