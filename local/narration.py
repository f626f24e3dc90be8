"""What a task's workflow does, state by state, in words for somebody who sees it for the first time."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STATES = {
    "PublishSubmitted": "the bus is told: there is a task",
    "NotifySubmitted": "so is the caller's callback_url",
    "TakeSlot": "asks for a share of what the provider can do",
    "AwaitTurn": "none is left: waits in line, at no cost",
    "TendLine": "nobody has left for long: is nothing free?",
    "HearBell": "woken up: it may be its turn",
    "Dispatch": "hands the request to the provider, exactly once",
    "WaitToDispatch": "the provider does not take it now: waits a little",
    "AwaitCallback": "sleeps, at no cost, until the provider calls",
    "Poll": "asks the provider how far it is",
    "PublishProcessing": "the bus is told: the provider is at work",
    "NotifyProcessing": "so is the caller's callback_url",
    "Collect": "copies the images into the outbox, to keep them",
    "HandOnSlot": "an image could not be copied: its share goes to the next in line",
    "WaitToCollect": "an image could not be copied: waits a little",
    "ReleaseSlot": "gives its share back and wakes the next in line",
    "ReleaseSlotAfterFault": "something broke: gives its share back",
    "Publish": "the bus is told: how it has ended",
    "Notify": "writes result.json, calls the callback_url",
    "Done": "the end",
}
"""One sentence a state; those that only choose the way are not told of."""


def what_started(here: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """The parts of a stack, where each is, and what it is there for."""
    return [
        ("API", here["api_url"], "the provider's own contract, and more"),
        ("provider", here["provider_url"], "a simulated one, it draws real pictures"),
        ("AWS", here["aws_endpoint_url"], "a local one, with template.yaml as it is"),
        ("inbox", f"s3://{here['inbox_bucket']}", "what is dropped there becomes a task"),
        ("outbox", f"s3://{here['outbox_bucket']}", "its images appear there"),
    ]


def what_was_dropped(job: Mapping[str, Any], name: str) -> str:
    """What a file of a sample job is to the job."""
    subjects = [each.get("subject_image") for each in job.get("subject_image_list", [])]
    if name == "job.json":
        return f"the job: {job.get('n', 1)} × {job.get('aspect_ratio', '16:9')}"
    if name in subjects:
        return f"subject {subjects.index(name) + 1} of {len(subjects)}"
    return {job.get("scene_image"): "the scene", job.get("style_image"): "the style"}.get(name, "")


def console_address(here: Mapping[str, str]) -> str:
    """The console, signed in; what is behind # never leaves the browser."""
    return f"{here['api_url']}/#key={here['api_key']}"


def next_things(here: Mapping[str, str], state_dir: Path, sample: Path) -> list[tuple[str, str]]:
    """What one may do now, each with the address or the line that does it."""
    beside = Path(sys.executable).with_name("kiln")
    picture = next((path for path in sorted(sample.iterdir()) if path.suffix in {".png", ".jpg"}), sample)
    shell = f". {shlex.quote(str(state_dir / 'env.sh'))} &&"
    # The command finds the usual folder by itself, any other by the environment.
    command = os.path.relpath(beside) if state_dir == Path(".kiln") and beside.exists() else f"{shell} kiln"
    return [
        ("A picture of your own, in the browser", console_address(here)),
        ("From another terminal, with any JPEG or PNG", f'{command} submit {picture} --prompt "A cat on the moon"'),
        ("By dropping a folder", f'{shell} aws s3 cp --recursive {sample} "s3://$INBOX/my-cat/"'),
        ("Call by call", f"{here['api_url']}/docs"),
    ]
