"""Which addresses of others may be called."""

from __future__ import annotations

from typing import Protocol

from pydantic import Field

from kiln.settings.reading import Settings


class AddressRules(Protocol):
    """Which URLs may be called."""

    @property
    def allow_http(self) -> bool:
        """Whether plain http is allowed."""

    @property
    def allow_private(self) -> bool:
        """Whether internal addresses and any port are allowed."""


class WebhookSettings(Settings):
    """Which ``callback_url`` may be called: https on the public internet, unless a local stack says otherwise."""

    allow_http: bool = Field(default=False, alias="ALLOW_HTTP_CALLBACKS")
    allow_private: bool = Field(default=False, alias="ALLOW_PRIVATE_CALLBACKS")


class ResultSettings(Settings):
    """Which links to generated images may be followed: https on the public internet, unless a local stack differs."""

    allow_http: bool = Field(default=False, alias="ALLOW_HTTP_RESULTS")
    allow_private: bool = Field(default=False, alias="ALLOW_PRIVATE_RESULTS")
