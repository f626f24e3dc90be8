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

_kept: dict[str, tuple[float, str]] = {}


def read(arn: str, model: type[Secret], *, fresh: bool = False) -> Secret:
    """Reads one secret.

    Args:
        arn: Of the secret.
        model: What its JSON text must look like.
        fresh: Ask Secrets Manager even when a copy is at hand.

    Raises:
        ConfigurationError: The secret is not the JSON that the model asks for; its content is not told.
    """
    now = time.monotonic()
    good_until, text = _kept.get(arn, (now, ""))
    if fresh or now >= good_until:
        text = aws.secrets_manager().get_secret_value(SecretId=arn)["SecretString"]
        _kept[arn] = (now + CACHE_SECONDS, text)
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        fields = ", ".join(".".join(str(part) for part in each["loc"]) or "body" for each in error.errors())
        raise ConfigurationError(f"secret {arn}: {fields} is missing or wrong") from None


def forget() -> None:
    """Lets go of every copy."""
    _kept.clear()
