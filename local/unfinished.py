"""Names the tasks that a stack has not finished, for the person who stops it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import httpx

TASKS_PATH = "/v1/images/multi-image2image"

_PATIENCE_SECONDS = 3


def unfinished(here: Mapping[str, str]) -> Iterator[str]:
    """Lines about the tasks that are at the provider; none if the API no longer answers.

    Args:
        here: The content of ``stack.json``.
    """
    headers = {"Authorization": f"Bearer {here['api_key']}"}
    ids: list[str] = []
    for status in ("submitted", "processing"):
        try:
            answer = httpx.get(
                f"{here['api_url']}{TASKS_PATH}",
                params={"task_status": status, "pageSize": 100},
                headers=headers,
                timeout=_PATIENCE_SECONDS,
                trust_env=False,
            )
            ids += [task["task_id"] for task in answer.raise_for_status().json()["data"]]
        except httpx.HTTPError:
            return
    if ids:
        yield f"Unfinished tasks: {len(ids)}. Kling may still make their pictures and charge for them."
        yield "Look them up there by their external task id:"
        yield from (f"  {task_id}" for task_id in ids)
