"""How the provider is called."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kiln.settings.provider import ProviderSecretSettings
from kiln.settings.reading import Settings


class ProviderSettings(ProviderSecretSettings):
    """The provider's address and the limits of one call, in seconds."""

    url: str = Field(alias="PROVIDER_URL", pattern=r"^https?://")
    connect_seconds: float = Field(default=3.0, alias="PROVIDER_CONNECT_SECONDS", gt=0)
    read_seconds: float = Field(default=15.0, alias="PROVIDER_READ_SECONDS", gt=0)
    total_seconds: float = Field(default=25.0, alias="PROVIDER_TOTAL_SECONDS", gt=0)


class ProviderInputSettings(Settings):
    """How the provider gets a task's images: by links to S3, or inline as Base64 if it cannot reach this stack."""

    inputs: Literal["link", "inline"] = Field(default="link", alias="PROVIDER_INPUTS")

    @property
    def is_inline(self) -> bool:
        """Whether images are sent inline, and no callbacks are expected."""
        return self.inputs == "inline"
