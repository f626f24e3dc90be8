"""The provider: its keys, its slots, its address."""

from __future__ import annotations

from pydantic import Field

from kiln.settings.reading import Settings


class SlotSettings(Settings):
    """How many images the provider's resource pack lets run at once."""

    provider_slots: int = Field(alias="PROVIDER_SLOTS", ge=1, le=1_000)


class ProviderSecretSettings(Settings):
    """Where the provider's keys are."""

    secret_arn: str = Field(alias="PROVIDER_SECRET_ARN", min_length=1)
