"""The settings of the simulated provider when it starts. Settings that change while it runs are in `faults`."""

from __future__ import annotations

from dataclasses import dataclass, field

FULL_HD_PIXELS = 1920 * 1080
THIRTY_DAYS_S = 30 * 24 * 3600


DEFAULT_ACCOUNT = "default"


@dataclass(frozen=True)
class AccountKeys:
    """The keys of one simulated account.

    Attributes:
        name: Its name in the counts and faults.
        access_key: ``iss`` of the tokens it accepts.
        secret_key: Signs those tokens.
        api_key: A plain key accepted as ``Bearer`` as well.
        webhook_secret: Signs its callbacks (Standard Webhooks) if there is one.
    """

    name: str
    access_key: str
    secret_key: str = field(repr=False)
    api_key: str | None = field(default=None, repr=False)
    webhook_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ProviderSettings:
    """The simulated accounts and how they behave.

    Attributes:
        access_key: ``iss`` of the tokens that the account ``default`` accepts.
        secret_key: Signs those tokens.
        api_key: A plain key accepted as ``Bearer`` as well.
        other_accounts: Accounts besides ``default``.
        public_url: What result links start with; the address of the create request when ``None``.
        task_seconds: From acceptance to the end of a task, unless drawing takes longer.
        max_slots: Slots of each account; a running task holds ``n``.
        webhook_secret: Signs the callbacks of ``default`` (Standard Webhooks) if there is one.
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
    other_accounts: tuple[AccountKeys, ...] = ()
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

    @property
    def accounts(self) -> tuple[AccountKeys, ...]:
        """The keys of every account; ``default`` is the first."""
        default = AccountKeys(DEFAULT_ACCOUNT, self.access_key, self.secret_key, self.api_key, self.webhook_secret)
        return (default, *self.other_accounts)
