"""The words of ``make run``, for people who see a stack for the first time."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def comments(definition: Mapping[str, Any]) -> dict[str, str]:
    """The first sentence of each state's ``Comment``, by the state's name; a state without one is left out."""
    return {
        name: state["Comment"].partition(". ")[0].removesuffix(".")
        for name, state in definition["States"].items()
        if "Comment" in state
    }


def parts(here: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """The parts of a stack: name, address, purpose."""
    simulated = "simulated; draws real pictures, costs nothing"
    real = "Kling itself; its pictures cost money"
    return [
        ("API", here["api_url"], "speaks the provider's contract"),
        ("provider", here["provider_url"], simulated if here["provider_control_url"] else real),
        ("AWS", here["aws_endpoint_url"], "simulated; runs template.yaml unchanged"),
        ("inbox", f"s3://{here['inbox_bucket']}", "a folder dropped here becomes a task"),
        ("outbox", f"s3://{here['outbox_bucket']}", "its images appear here"),
    ]


def job_of(sample: Path) -> dict[str, Any]:
    """The job of a sample folder, by its ``job.json`` or its ``prompt.txt``."""
    if (sample / "job.json").exists():
        job: dict[str, Any] = json.loads((sample / "job.json").read_text(encoding="utf-8"))
        return job
    first, _, rest = (sample / "prompt.txt").read_text(encoding="utf-8").partition("\n")
    options = dict(pair.split("=", 1) for pair in first.split() if "=" in pair)
    names = sorted(path.name for path in sample.iterdir() if path.name != "prompt.txt")
    roles = {f"{Path(name).stem}_image": name for name in names if Path(name).stem in ("scene", "style")}
    subjects = [{"subject_image": name} for name in names if name not in roles.values()]
    fields = {"n": options.get("n", "1"), "aspect_ratio": options.get("ratio", "16:9")}
    return {"prompt": rest.strip() if options else first, **fields, **roles, "subject_image_list": subjects}


def role_of(name: str, job: Mapping[str, Any]) -> str:
    """The role of a file in a sample job."""
    subjects = [each.get("subject_image") for each in job.get("subject_image_list", [])]
    if name in ("job.json", "prompt.txt"):
        return f"the job: {_images(int(job.get('n', 1)))}, {job.get('aspect_ratio', '16:9')}"
    if name in subjects:
        return f"subject {subjects.index(name) + 1} of {len(subjects)}"
    return {job.get("scene_image"): "the scene", job.get("style_image"): "the style"}.get(name, "")


def console_address(here: Mapping[str, str]) -> str:
    """The address of the console with the key; a browser never sends the part after #."""
    return f"{here['api_url']}/#key={here['api_key']}"


def next_steps(here: Mapping[str, str], state_dir: Path, sample: Path) -> list[tuple[str, str]]:
    """The next things to try, each with its address or command."""
    beside = Path(sys.executable).with_name("kiln")
    picture = next((path for path in sorted(sample.iterdir()) if path.suffix in {".png", ".jpg"}), sample)
    shell = f". {shlex.quote(str(state_dir / 'env.sh'))} &&"
    # The command finds the usual state folder itself, and any other by the environment.
    command = os.path.relpath(beside) if state_dir == Path(".kiln") and beside.exists() else f"{shell} kiln"
    return [
        ("Use your own picture in the browser", console_address(here)),
        ("Use any JPEG or PNG from another terminal", f'{command} submit {picture} --prompt "A cat on the moon"'),
        ("Drop a folder", f'{shell} aws s3 cp --recursive {sample} "s3://$INBOX/my-cat/"'),
        (
            "Drop a folder without JSON: pictures and a prompt.txt",
            f'{shell} aws s3 cp --recursive {sample.parent / "moon-cat"} "s3://$INBOX/moon-cat/"',
        ),
        ("Read the API", f"{here['api_url']}/docs"),
    ]


def _images(n: int) -> str:
    return "1 image" if n == 1 else f"{n} images"
