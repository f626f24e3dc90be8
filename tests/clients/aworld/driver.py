"""Asks the client `aworld` for one picture, as a program would that uses it; runs in the client's own environment.

``python driver.py REQUEST ANSWER``: both are JSON files. The request has ``base_url``, ``api_key``, ``asynchronous``
and ``arguments`` (of ``generate_image``); the answer has ``answers``, all that the API said, or ``error``.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from aworld.models.kling_image_provider import KlingImageProvider
from aworld.models.model_response import LLMResponseError


def generate(request: dict[str, Any]) -> dict[str, Any]:
    provider = KlingImageProvider(
        base_url=request["base_url"],
        api_key=request["api_key"],
        model_name="kling-v2-1",
        sync_enabled=not request["asynchronous"],
        async_enabled=request["asynchronous"],
    )
    try:
        if request["asynchronous"]:
            made = asyncio.run(provider.agenerate_image(**request["arguments"]))
        else:
            made = provider.generate_image(**request["arguments"])
    except LLMResponseError as error:
        return {"error": {"message": error.message, "answer": error.response}}
    return {"image_url": made.image_url, "answers": made.raw_response}


if __name__ == "__main__":
    asked, answer = (Path(argument) for argument in sys.argv[1:])
    answer.write_text(json.dumps(generate(json.loads(asked.read_text()))))
