"""Signs and checks what hangs off Kiln's own address: the tokens in callback URLs and in result links."""

from __future__ import annotations

import base64
import hashlib
import hmac

from pydantic import BaseModel, Field

from kiln import secrets
from kiln.settings import AddressSettings, load

_TOKEN_BYTES = 24


class SigningKey(BaseModel, defer_build=True):
    """The secret that signs; made by the template at random."""

    key: str = Field(min_length=32, repr=False)


def token(purpose: str, *subject: str) -> str:
    """An unguessable text of 32 URL-safe characters that only this installation can make for this subject.

    Args:
        purpose: What it is for; a token for one purpose is worth nothing for another.
        subject: What it is bound to.
    """
    key = secrets.read(load(AddressSettings).signing_secret_arn, SigningKey).key
    text = "\x00".join((purpose, *subject)).encode()
    digest = hmac.new(key.encode(), text, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:_TOKEN_BYTES]).decode()


def is_token(presented: str, purpose: str, *subject: str) -> bool:
    """Whether a presented token is the one for this purpose and subject, compared in constant time."""
    return hmac.compare_digest(presented.encode(), token(purpose, *subject).encode())
