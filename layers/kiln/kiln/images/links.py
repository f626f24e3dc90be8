"""Result links: an address below Kiln's own that stays good for as long as the image is kept, and can't be guessed."""

from __future__ import annotations

import re

from kiln.auth import signatures
from kiln.images.inspection import EXTENSIONS

_PURPOSE = "result"
_FILE = re.compile(r"\A([0-9])\.(?:png|jpg)\Z")


def address(public_url: str, task_id: str, index: int, content_type: str) -> str:
    """The link to one generated image.

    Args:
        public_url: Kiln's own address, without a trailing slash.
        task_id: Of the task.
        index: Of the image within the task.
        content_type: Decides the name's extension.
    """
    token = signatures.token(_PURPOSE, task_id, str(index))
    return f"{public_url}/v1/results/{task_id}/{token}/{index}.{EXTENSIONS[content_type]}"


def index_of(task_id: str, token: str, file: str) -> int | None:
    """Which image a link asks for, or ``None`` when Kiln did not make the link."""
    named = _FILE.match(file)
    if named is None or not signatures.is_token(token, _PURPOSE, task_id, named[1]):
        return None
    return int(named[1])
