"""The request by which the provider creates a task: its fields, and its images as links or inline as Base64."""

from __future__ import annotations

from typing import Any

from kiln import links
from kiln.images.stored import StoredInput
from kiln.images.stored_links import input_content, input_link
from kiln.settings import AddressSettings, ProviderInputSettings, load
from kiln.tasks.task import Task


def provider_request(task: Task) -> dict[str, Any]:
    """The body of the provider's create (contract).

    Inline images, up to 13.4 MB of Base64 each, exist in this request alone: no table or history holds them. A provider
    that cannot reach Kiln for images cannot send callbacks either, so the request then has no ``callback_url``.

    Raises:
        ClientError: An inline image cannot be read from S3.
    """
    is_inline = load(ProviderInputSettings).is_inline
    fields = {each.field: _image(each, is_inline=is_inline) for each in task.inputs}
    subjects = [{"subject_image": image} for field, image in fields.items() if field.startswith("subject_image_list")]
    request: dict[str, Any] = {
        "model_name": task.model_name,
        "subject_image_list": subjects,
        "n": task.n,
        "aspect_ratio": task.aspect_ratio,
        "watermark_info": {"enabled": task.watermark},
        "external_task_id": task.run_id,
    }
    if not is_inline:
        request["callback_url"] = links.callback_link(load(AddressSettings).public_url, task.task_id)
    if task.prompt:
        request["prompt"] = task.prompt
    for field in ("scene_image", "style_image"):
        if field in fields:
            request[field] = fields[field]
    return request


def _image(stored: StoredInput, *, is_inline: bool) -> str:
    return input_content(stored) if is_inline and not stored.url else input_link(stored)
