"""The settings of callers: their secret, and the addresses that they may call from."""

from __future__ import annotations

from pydantic import Field

from kiln.settings.reading import Settings


class CorsSettings(Settings):
    """Which web origin may call the API from a browser: one, ``*`` for any, or ``none`` (or nothing)."""

    origin: str = Field(default="none", alias="CORS_ORIGIN")


class CallerSettings(Settings):
    """Callers and their limits. Each caller may create so many tasks a minute unless its entry says otherwise."""

    secret_arn: str = Field(alias="CALLERS_SECRET_ARN", min_length=1)
    tasks_per_minute: int = Field(default=600, alias="CALLER_TASKS_PER_MINUTE", ge=1)
