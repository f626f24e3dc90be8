"""Secrets from Secrets Manager, parsed into models and kept in the process for five minutes."""

from __future__ import annotations

from typing import TypeVar

from aws_lambda_powertools.utilities import parameters
from pydantic import BaseModel, ValidationError

from kiln.errors import ConfigurationError

Secret = TypeVar("Secret", bound=BaseModel)

CACHE_SECONDS = 300
"""How long a changed secret may go unnoticed by a warm function."""


def read(arn: str, model: type[Secret], *, fresh: bool = False) -> Secret:
    """Reads one secret.

    Args:
        arn: Of the secret.
        model: What its JSON text must look like.
        fresh: Ask Secrets Manager even when a copy is at hand.

    Raises:
        ConfigurationError: The secret is not the JSON that the model asks for; its content is not told.
    """
    text = parameters.get_secret(arn, max_age=CACHE_SECONDS, force_fetch=fresh)
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        fields = ", ".join(".".join(str(part) for part in each["loc"]) or "body" for each in error.errors())
        raise ConfigurationError(f"secret {arn}: {fields} is missing or wrong") from None
