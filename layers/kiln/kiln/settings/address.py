"""Kiln's own address."""

from __future__ import annotations

from pydantic import Field

from kiln.settings.reading import Settings


class AddressSettings(Settings):
    """Kiln's own public address, without a trailing slash, and the key that signs what hangs off it."""

    public_url: str = Field(default="", alias="PUBLIC_URL", pattern=r"^(https?://.*[^/])?$")
    signing_secret_arn: str = Field(alias="SIGNING_SECRET_ARN", min_length=1)
