"""A caller of a stack, as short as can be: makes tasks and waits for their ends."""

from __future__ import annotations

import base64
import io
import time
from typing import Any

import httpx
from PIL import Image

from local.stack import TASKS_PATH, Stack

PATIENCE_SECONDS = 300.0


def create(stack: Stack, **fields: Any) -> str:
    """Makes a task of one picture and gives its id."""
    picture = io.BytesIO()
    Image.effect_noise((320, 320), 60).convert("RGB").save(picture, "JPEG")
    subject = {"subject_image": base64.b64encode(picture.getvalue()).decode()}
    answer = httpx.post(_url(stack), json={"subject_image_list": [subject], **fields}, **_how(stack))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"]["task_id"])


def query(stack: Stack, task_id: str) -> dict[str, Any]:
    """The task as the API tells of it now."""
    answer = httpx.get(f"{_url(stack)}/{task_id}", **_how(stack))
    assert answer.status_code == 200, answer.text
    task: dict[str, Any] = answer.json()["data"]
    return task


def ended(stack: Stack, task_id: str) -> dict[str, Any]:
    """The task as the API tells of it once it has ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        task = query(stack, task_id)
        if task["task_status"] in ("succeed", "failed"):
            return task
        time.sleep(0.1)
    raise AssertionError(f"{task_id} has not ended: {task}")


def _url(stack: Stack) -> str:
    return f"{stack.description['api_url']}{TASKS_PATH}"


def _how(stack: Stack) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {stack.description['api_key']}"}
    return {"headers": headers, "timeout": PATIENCE_SECONDS, "trust_env": False}
