"""The faults that can be switched on while the simulated provider runs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kiln.contract.violations import invalid_request
from kiln.errors import InvalidRequest
from local.provider.faults.answers import Answers

Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
AccountError = Literal[1000, 1001, 1002, 1003, 1004, 1100, 1101, 1102, 1304]
Slots = Annotated[int, Field(ge=0)]
SignedSeconds = Annotated[float, Field(allow_inf_nan=False)]


class AccountFaults(BaseModel):
    """The faults in force for an account; every default means that the fault is off."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    drop_callbacks: bool = Field(default=False, description="No callback is posted")
    refuse_links: bool = Field(
        default=False, description="A create with an image URL is refused, as by a provider that cannot reach the URL"
    )
    duplicate_callbacks: bool = Field(default=False, description="Every callback is posted twice")
    delay_callbacks_s: Seconds = Field(default=0, description="A callback is this late")
    shuffle_callbacks_s: Seconds = Field(
        default=0,
        description="A callback is late by a random time, at most this long, so callbacks arrive out of order",
    )
    hang_s: Seconds = Field(default=0, description="Create and query answer this late; the task is created at once")
    task_seconds: Seconds | None = Field(default=None, description="From acceptance to the end of a task")
    throttle_rate: Probability = Field(default=0, description="HTTP 429, code 1302; no task is created")
    error_rate: Probability = Field(default=0, description="Code 5000, 5001 or 5002; no task is created")
    garbage_rate: Probability = Field(
        default=0, description="HTTP 200 with a body that is not JSON; no task is created"
    )
    reset_rate: Probability = Field(
        default=0, description="The connection is reset instead of an answer; a create may have created its task or not"
    )
    wrong_types: Probability = Field(default=0, description="The answer or image is right but has a wrong content type")
    clock_skew_s: SignedSeconds = Field(
        default=0, description="The clock that checks tokens is this far ahead, or behind if negative"
    )
    create_then_error: Probability = Field(default=0, description="The task is created but the answer is code 5002")
    account_error: AccountError | None = Field(
        default=None, description="Every create is refused with this code, and every query too unless it is 1100–1102"
    )
    fail_tasks: Probability = Field(default=0, description="The task fails")
    truncate_images: Probability = Field(
        default=0, description="An image is truncated: the connection ends early, or Content-Length is short, in turn"
    )
    image_errors: Probability = Field(default=0, description="HTTP 403 or 404 instead of an image")
    first_image_try_fails: bool = Field(
        default=False, description="HTTP 403 or 404 for the first download of each image"
    )
    not_images: Probability = Field(default=0, description="HTTP 200 with an HTML page instead of an image")
    expired_links: Probability = Field(default=0, description="The image links in an answer have already expired")
    slow_images_bps: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        default=None, description="An image arrives at this many bytes a second"
    )
    max_slots: Slots | None = Field(
        default=None, description="Slots of the account; a create beyond them is refused with code 1303"
    )
    max_slots_by_model: dict[str, Slots] | None = Field(
        default=None,
        description="Slots of each model instead; a create beyond those of its model is refused with code 1303",
    )
    answers: Answers = Field(default=Answers(), description="Odd answers: see docs/simulator.md")
    answers_by_prompt: dict[str, Answers] = Field(
        default_factory=dict, description="Odd answers about the tasks with this prompt, instead of those in answers"
    )
    at_most: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="How many random faults strike in all; afterwards none does"
    )
    seed: int | None = Field(default=None, description="Makes random faults repeatable")

    def overridden_by(self, own: AccountFaults) -> AccountFaults:
        """These faults with an account's own in their place."""
        return self.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})


class Faults(AccountFaults):
    """The faults in force, for all accounts and for single ones."""

    accounts: dict[str, AccountFaults] = Field(
        default_factory=dict, description="By account: faults that it has besides, or instead of, those of all"
    )

    @classmethod
    def parse(cls, body: bytes) -> Faults:
        """Reads faults from JSON.

        Raises:
            InvalidRequest: A name is unknown or a value has the wrong type; the message names it.
        """
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            if first["type"] == "extra_forbidden":
                name = ".".join(str(part) for part in first["loc"])
                known = ", ".join(cls.model_fields) if len(first["loc"]) == 1 else "those in docs/simulator.md"
                raise InvalidRequest(f"{name}: there is no such fault; there are {known}") from error
            raise invalid_request(error) from error
