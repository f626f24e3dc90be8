"""The environment, read in one place: one model per concern, so a function needs only the variables it uses."""

from __future__ import annotations

import os
from functools import cache
from typing import Literal, Protocol, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kiln.errors import ConfigurationError

SettingsModel = TypeVar("SettingsModel", bound="_Settings")


class _Settings(BaseModel):
    # A function uses two or three of these; the others are not built.
    model_config = ConfigDict(frozen=True, populate_by_name=True, defer_build=True)


class TableSettings(_Settings):
    """Where tasks and slots are kept."""

    table_name: str = Field(alias="TABLE_NAME", min_length=1)
    task_retention_days: int = Field(default=90, alias="TASK_RETENTION_DAYS", ge=30)


class BucketSettings(_Settings):
    """Where generated images and ``result.json`` are kept."""

    outbox_bucket: str = Field(alias="OUTBOX_BUCKET", min_length=1)


class InputSettings(_Settings):
    """Where images that came as Base64 or were uploaded are kept until the provider has read them."""

    inputs_bucket: str = Field(alias="INPUTS_BUCKET", min_length=1)


class InboxSettings(_Settings):
    """How dropped files become tasks."""

    queue_url: str = Field(alias="INBOX_QUEUE_URL", min_length=1)
    wait_seconds: int = Field(default=300, alias="DROP_WAIT_SECONDS", ge=0, le=900)
    quiet_seconds: int = Field(default=20, alias="DROP_QUIET_SECONDS", ge=0, le=900)
    default_prompt: str = Field(default="", alias="DROP_PROMPT", max_length=2_500)
    caller: str = Field(default="inbox", alias="INBOX_CALLER", min_length=1)


class DeadLetterSettings(_Settings):
    """Where dropped files wait that failed too often, and where they are taken up again."""

    queue_url: str = Field(alias="INBOX_QUEUE_URL", min_length=1)
    dead_letters_url: str = Field(alias="INBOX_DEAD_LETTERS_URL", min_length=1)


class WorkflowSettings(_Settings):
    """The state machine that owns every accepted task."""

    state_machine_arn: str = Field(alias="STATE_MACHINE_ARN", min_length=1)


class BusSettings(_Settings):
    """The bus for the events of status changes."""

    event_bus: str = Field(alias="EVENT_BUS", min_length=1)


class StartSettings(_Settings):
    """The queue for records that cannot start a workflow."""

    unstarted_queue_url: str = Field(alias="UNSTARTED_QUEUE_URL", min_length=1)


class SlotSettings(_Settings):
    """How many images the provider's resource pack lets run at once."""

    provider_slots: int = Field(alias="PROVIDER_SLOTS", ge=1, le=1_000)


class PrioritySettings(_Settings):
    """How long a task of low priority waits at most before it gets the next turn."""

    low_hours: int = Field(default=24, alias="LOW_PRIORITY_HOURS", ge=1, le=720)


class ProviderSecretSettings(_Settings):
    """Where the provider's keys are."""

    secret_arn: str = Field(alias="PROVIDER_SECRET_ARN", min_length=1)


class ProviderSettings(ProviderSecretSettings):
    """The provider's address and the limits of one call, in seconds."""

    url: str = Field(alias="PROVIDER_URL", pattern=r"^https?://")
    connect_seconds: float = Field(default=3.0, alias="PROVIDER_CONNECT_SECONDS", gt=0)
    read_seconds: float = Field(default=15.0, alias="PROVIDER_READ_SECONDS", gt=0)
    total_seconds: float = Field(default=25.0, alias="PROVIDER_TOTAL_SECONDS", gt=0)


class ProviderInputSettings(_Settings):
    """How the provider gets a task's images: by links to S3, or inline as Base64 if it cannot reach this stack."""

    inputs: Literal["link", "inline"] = Field(default="link", alias="PROVIDER_INPUTS")

    @property
    def is_inline(self) -> bool:
        """Whether images are sent inline, and no callbacks are expected."""
        return self.inputs == "inline"


class DeadlineSettings(_Settings):
    """How long a task may take, in seconds.

    From its turn until the provider has taken it; from then until it is generated; and from then until its images are
    copied. That one is long, as the generation has been paid for: so long, too, is a provider waited for that cannot be
    asked whether it has the task, or how far it is.
    """

    dispatch_seconds: int = Field(default=259_200, alias="DISPATCH_DEADLINE_SECONDS", ge=1)
    generation_seconds: int = Field(default=3_600, alias="GENERATION_DEADLINE_SECONDS", ge=1)
    collect_seconds: int = Field(default=86_400, alias="COLLECT_DEADLINE_SECONDS", ge=1)


class AddressSettings(_Settings):
    """Kiln's own public address, without a trailing slash, and the key that signs what hangs off it."""

    public_url: str = Field(default="", alias="PUBLIC_URL", pattern=r"^(https?://.*[^/])?$")
    signing_secret_arn: str = Field(alias="SIGNING_SECRET_ARN", min_length=1)


class CorsSettings(_Settings):
    """Which web origin may call the API from a browser: one, ``*`` for any, or ``none`` (or nothing)."""

    origin: str = Field(default="none", alias="CORS_ORIGIN")


class ConsoleSettings(_Settings):
    """Where the console's browser meets the buckets: S3's own hosts, unless AWS as a whole is somewhere else."""

    bucket_origins: str = Field(alias="BUCKET_ORIGINS", min_length=1)
    aws_endpoint_url: str = Field(default="", alias="AWS_ENDPOINT_URL")
    provider_url: str = Field(alias="PROVIDER_URL", min_length=1)

    @property
    def buckets(self) -> str:
        """The origins of the buckets, separated by spaces."""
        return self.aws_endpoint_url or self.bucket_origins

    @property
    def provider(self) -> str:
        """The provider's host; ``simulated`` if it is a process on the same computer, as only the simulator is."""
        host = urlsplit(self.provider_url).netloc
        return "simulated" if host.partition(":")[0] in ("127.0.0.1", "localhost") else host


class CallerSettings(_Settings):
    """Callers and their limits. Each caller may create so many tasks a minute unless its entry says otherwise."""

    secret_arn: str = Field(alias="CALLERS_SECRET_ARN", min_length=1)
    tasks_per_minute: int = Field(default=600, alias="CALLER_TASKS_PER_MINUTE", ge=1)


class AddressRules(Protocol):
    """Which URLs may be called."""

    @property
    def allow_http(self) -> bool:
        """Whether plain http is allowed."""

    @property
    def allow_private(self) -> bool:
        """Whether internal addresses and any port are allowed."""


class WebhookSettings(_Settings):
    """Which ``callback_url`` may be called: https on the public internet, unless a local stack says otherwise."""

    allow_http: bool = Field(default=False, alias="ALLOW_HTTP_CALLBACKS")
    allow_private: bool = Field(default=False, alias="ALLOW_PRIVATE_CALLBACKS")


class ResultSettings(_Settings):
    """Which links to generated images may be followed: https on the public internet, unless a local stack differs."""

    allow_http: bool = Field(default=False, alias="ALLOW_HTTP_RESULTS")
    allow_private: bool = Field(default=False, alias="ALLOW_PRIVATE_RESULTS")


@cache
def load(model: type[SettingsModel]) -> SettingsModel:
    """Reads one settings model from the environment, once per process.

    Raises:
        ConfigurationError: A variable is missing or out of its limits; the message names it.
    """
    try:
        return model.model_validate(dict(os.environ))
    except ValidationError as error:
        wrong = ", ".join(f"{'.'.join(str(part) for part in each['loc'])} ({each['msg']})" for each in error.errors())
        raise ConfigurationError(f"environment: {wrong}") from error
