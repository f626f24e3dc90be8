"""The links below Kiln's own address: of generated images and of callbacks. Each is signed and verified here."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from pydantic import BaseModel, Field

from kiln import secrets
from kiln.images.formats import EXTENSIONS
from kiln.settings import AddressSettings, load

_RESULT = "result"
_CALLBACK = "callback"
_TOKEN_BYTES = 24
WATERMARK = "watermark"
PREVIEW = "preview"
_FILE = re.compile(rf"\A(([0-9])(?:-({WATERMARK}|{PREVIEW}))?)\.(?:{'|'.join(EXTENSIONS.values())})\Z")


class SigningKey(BaseModel, defer_build=True):
    """The secret that signs; the template makes it at random."""

    key: str = Field(min_length=32, repr=False)


def result_link(public_url: str, task_id: str, index: int, content_type: str) -> str:
    """The link to one generated image; it is good for as long as the image is kept, and cannot be guessed.

    Args:
        public_url: Kiln's own address, without a trailing slash.
        task_id: The task that generated the image.
        index: Number of the image within the task, from 0.
        content_type: Decides the extension of the file name.
    """
    return _file_link(public_url, task_id, str(index), content_type)


def watermark_link(public_url: str, task_id: str, index: int, content_type: str) -> str:
    """The link to the same image with a watermark; the arguments are those of ``result_link``."""
    return _file_link(public_url, task_id, watermark_name(index), content_type)


def preview_link(public_url: str, task_id: str, index: int, content_type: str) -> str:
    """The link to an image's preview; the arguments are those of ``result_link``, the type is the preview's."""
    return _file_link(public_url, task_id, f"{index}-{PREVIEW}", content_type)


def watermark_name(index: int) -> str:
    """The file name, without the extension, of the image with this number and a watermark."""
    return f"{index}-{WATERMARK}"


def result_index(task_id: str, token: str, file: str) -> tuple[int, str] | None:
    """The number of the image that a result link asks for, and which form; ``None`` for no link of Kiln's.

    The form is ``WATERMARK``, ``PREVIEW``, or empty for the image itself.
    """
    named = _FILE.match(file)
    if named is None or not _is_token(token, _RESULT, task_id, named[1]):
        return None
    return int(named[2]), named[3] or ""


def callback_link(public_url: str, task_id: str) -> str:
    """The URL that the provider calls for a task; only this installation can make its token."""
    return f"{public_url}/v1/callbacks/{task_id}/{_token(_CALLBACK, task_id)}"


def is_callback_token(task_id: str, token: str) -> bool:
    """Whether a token is the one in the task's callback link, compared in constant time."""
    return _is_token(token, _CALLBACK, task_id)


def _file_link(public_url: str, task_id: str, name: str, content_type: str) -> str:
    token = _token(_RESULT, task_id, name)
    return f"{public_url}/v1/results/{task_id}/{token}/{name}.{EXTENSIONS[content_type]}"


def _token(purpose: str, *subject: str) -> str:
    """32 URL-safe characters; a token for one purpose is worth nothing for another."""
    key = secrets.read(load(AddressSettings).signing_secret_arn, SigningKey).key
    signed = "\x00".join((purpose, *subject)).encode()
    digest = hmac.new(key.encode(), signed, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:_TOKEN_BYTES]).decode()


def _is_token(presented: str, purpose: str, *subject: str) -> bool:
    return hmac.compare_digest(presented.encode(), _token(purpose, *subject).encode())
