"""Secrets from Secrets Manager, parsed into models and kept in the process for five minutes.

While Secrets Manager is away, the copy serves for longer: a request that could be answered must not fail for it. Each
such attempt counts in the metric ``SecretsStale``, which has an alarm.
"""

from __future__ import annotations

import time
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from kiln import aws, metrics
from kiln.errors import ConfigurationError

Secret = TypeVar("Secret", bound=BaseModel)

CACHE_SECONDS = 300
"""How long a changed secret may go unnoticed by a warm function."""

RETRY_SECONDS = 30
"""How long a copy serves after an attempt that failed: each attempt may wait for a connection."""

NOT_SET = "{}"
"""The content of a secret without a value: the template creates the secrets that people fill in without one."""

_REFUSALS = ("AccessDenied", "ResourceNotFound", "InvalidRequest", "InvalidParameter", "DecryptionFailure")
"""Answers of Secrets Manager that are no outage: a permission was withdrawn, or the secret is deleted."""

_kept: dict[str, tuple[float, str]] = {}


def read(arn: str, model: type[Secret], *, fresh: bool = False) -> Secret:
    """Reads one secret.

    Args:
        arn: Of the secret.
        model: What its JSON text must look like.
        fresh: Ask Secrets Manager even when a copy is at hand; a copy still serves while it is away.

    Raises:
        ConfigurationError: The secret is not the JSON that the model asks for; its content is not shown.
    """
    text = _text(arn, fresh=fresh)
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        fields = ", ".join(".".join(str(part) for part in each["loc"]) or "body" for each in error.errors())
        raise ConfigurationError(f"secret {arn}: {fields} is missing or wrong") from None


def read_any(arn: str, *, fresh: bool = False) -> Any:
    """Reads one secret as any JSON, where a model's own messages would not do.

    Args:
        arn: Of the secret.
        fresh: As for :func:`read`.

    Raises:
        ConfigurationError: The secret is no JSON; its content is not shown.
    """
    try:
        return from_json(_text(arn, fresh=fresh))
    except ValueError:
        raise ConfigurationError(f"secret {arn}: body is missing or wrong") from None


def _text(arn: str, *, fresh: bool) -> str:
    now = time.monotonic()
    good_until, text = _kept.get(arn, (now, ""))
    return _fetched(arn, text, now) if fresh or now >= good_until else text


def _fetched(arn: str, copy: str, now: float) -> str:
    """The secret as Secrets Manager has it, or the copy while Secrets Manager is away."""
    try:
        text = aws.secrets_manager().get_secret_value(SecretId=arn).get("SecretString") or NOT_SET
    except Exception as error:
        if _has_no_value(error):
            text = NOT_SET
        elif not copy or aws.error_code(error).startswith(_REFUSALS):
            raise
        else:
            metrics.record(metrics.SECRETS_STALE)
            _kept[arn] = (now + RETRY_SECONDS, copy)
            return copy
    _kept[arn] = (now + CACHE_SECONDS, text)
    return text


def _has_no_value(error: Exception) -> bool:
    """Whether the secret exists and has no current version. A secret that does not exist has the same error code."""
    return aws.error_code(error) == "ResourceNotFoundException" and "AWSCURRENT" in str(error)


def forget() -> None:
    """Removes every copy."""
    _kept.clear()
