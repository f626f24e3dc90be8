"""The settings of the simulated provider when it starts. What can change while it runs is in `faults`."""

from __future__ import annotations

from dataclasses import dataclass, field

FULL_HD_PIXELS = 1920 * 1080
THIRTY_DAYS_S = 30 * 24 * 3600


@dataclass(frozen=True)
class ProviderSettings:
    """One simulated account and how it behaves.

    Attributes:
        access_key: ``iss`` of the tokens it accepts.
        secret_key: What those tokens are signed with.
        api_key: A plain key accepted as ``Bearer`` as well.
        public_url: What result links start with; the address of the create request when ``None``.
        task_seconds: From acceptance to the end of a task, unless drawing takes longer.
        max_slots: Slots of the account; a running task holds ``n``.
        webhook_secret: Signs callbacks (Standard Webhooks) when given.
        pixels: Size of a result image, about.
        callback_timeout_s: How long a callback may take.
        callback_retry_s: Pause between two attempts.
        callback_attempts: How often a callback is posted until it is answered with 2xx.
        result_seconds: How long a result link works.
        result_bytes: How many bytes of results are stored; then the oldest are removed.
        seed: Makes random faults repeatable.
    """

    access_key: str
    secret_key: str = field(repr=False)
    api_key: str | None = field(default=None, repr=False)
    public_url: str | None = None
    task_seconds: float = 3.0
    max_slots: int = 9
    webhook_secret: str | None = field(default=None, repr=False)
    pixels: int = FULL_HD_PIXELS
    callback_timeout_s: float = 10.0
    callback_retry_s: float = 1.0
    callback_attempts: int = 3
    result_seconds: float = THIRTY_DAYS_S
    result_bytes: int = 2 * 1024**3
    seed: int | None = None
