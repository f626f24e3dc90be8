"""How dropped files become tasks."""

from __future__ import annotations

from pydantic import Field

from kiln.settings.reading import Settings


class InboxSettings(Settings):
    """How dropped files become tasks."""

    queue_url: str = Field(alias="INBOX_QUEUE_URL", min_length=1)
    wait_seconds: int = Field(default=300, alias="DROP_WAIT_SECONDS", ge=0, le=900)
    quiet_seconds: int = Field(default=20, alias="DROP_QUIET_SECONDS", ge=0, le=900)
    default_prompt: str = Field(default="", alias="DROP_PROMPT", max_length=2_500)
    caller: str = Field(default="inbox", alias="INBOX_CALLER", min_length=1)


class DeadLetterSettings(Settings):
    """Where dropped files wait that failed too often, and where they are taken up again."""

    queue_url: str = Field(alias="INBOX_QUEUE_URL", min_length=1)
    dead_letters_url: str = Field(alias="INBOX_DEAD_LETTERS_URL", min_length=1)
