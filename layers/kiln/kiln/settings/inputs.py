"""Where input images are kept."""

from __future__ import annotations

from pydantic import Field

from kiln.settings.reading import Settings


class InputSettings(Settings):
    """Where images that came as Base64 or were uploaded are kept until the provider has read them."""

    inputs_bucket: str = Field(alias="INPUTS_BUCKET", min_length=1)
