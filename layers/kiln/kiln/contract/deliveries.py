"""An attempt to deliver a webhook, as answers show it. Kiln's own, no part of the contract."""

from __future__ import annotations

from pydantic import BaseModel, Field


class DeliveryAttempt(BaseModel, defer_build=True):
    """One attempt to deliver a webhook."""

    attempt: int = Field(description="From 1")
    attempted_at: int = Field(description="Milliseconds since the epoch")
    outcome: str = Field(description="delivered, retry or given_up")
    http_status: int | None = Field(default=None, description="The HTTP status of the receiver, if it answered")
    reason: str = Field(default="", description="Why it failed")
    next_attempt_at: int | None = Field(default=None, description="Milliseconds since the epoch")
