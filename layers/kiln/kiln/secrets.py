"""Secrets from Secrets Manager, parsed into models and kept in the process for five minutes."""

from __future__ import annotations

import time
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from kiln import aws
from kiln.errors import ConfigurationError

Secret = TypeVar("Secret", bound=BaseModel)

CACHE_SECONDS = 300
"""How long a changed secret may go unnoticed by a warm function."""

_cached: dict[str, tuple[float, str]] = {}


def read_string(arn: str, *, fresh: bool = False, cache_seconds: float = CACHE_SECONDS) -> str:
    """Reads one secret as the string that is stored.

    Args:
        arn: The secret's ARN.
        fresh: Ask Secrets Manager even if the process has a copy.
        cache_seconds: How old a copy may be.
    """
    now = time.monotonic()
    read_at, text = _cached.get(arn, (float("-inf"), ""))
    if fresh or now >= read_at + cache_seconds:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - loaded with the client

        try:
            text = aws.secrets_manager().get_secret_value(SecretId=arn)["SecretString"]
        except (BotoCoreError, ClientError):
            if fresh or now >= read_at + CACHE_SECONDS:
                raise
            # Secrets Manager has a bad moment: a copy that is not too old is better than a fault.
            return text
        _cached[arn] = (now, text)
    return text


def read(arn: str, model: type[Secret], *, fresh: bool = False) -> Secret:
    """Reads one secret as a model.

    Args:
        arn: The secret's ARN.
        model: The shape of its JSON.
        fresh: Ask Secrets Manager even if the process has a copy.

    Raises:
        ConfigurationError: The secret is not the JSON that the model asks for. The message has no content of it.
    """
    text = read_string(arn, fresh=fresh)
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        fields = ", ".join(".".join(str(part) for part in each["loc"]) or "body" for each in error.errors())
        raise ConfigurationError(f"secret {arn}: {fields} is missing or wrong") from None


def forget() -> None:
    """Removes every copy."""
    _cached.clear()
