"""The faults to switch on while the simulated provider runs, and the dice that decide whether one strikes."""

from __future__ import annotations

import random
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kiln.contract.violations import invalid_request
from kiln.errors import InvalidRequest

Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
SignedSeconds = Annotated[float, Field(allow_inf_nan=False)]


class Faults(BaseModel):
    """The faults in force; every default means: no such fault."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    drop_callbacks: bool = Field(default=False, description="No callback is posted")
    duplicate_callbacks: bool = Field(default=False, description="Every callback is posted twice")
    delay_callbacks_s: Seconds = Field(default=0, description="A callback is posted this much late")
    shuffle_callbacks_s: Seconds = Field(
        default=0, description="A callback is posted late by chance, up to this much: out of order"
    )
    hang_s: Seconds = Field(default=0, description="Create and query answer this much late; the task is made at once")
    task_seconds: Seconds | None = Field(default=None, description="From acceptance to the end of a task")
    throttle_rate: Probability = Field(default=0, description="429/1302, without effect")
    error_rate: Probability = Field(default=0, description="One of 5000, 5001 and 5002, without effect")
    garbage_rate: Probability = Field(default=0, description="200 with a body that is not JSON, without effect")
    reset_rate: Probability = Field(
        default=0, description="The connection is reset instead of an answer; a create has made its task or has not"
    )
    wrong_types: Probability = Field(default=0, description="Answer or image is right, its content type is not")
    clock_skew_s: SignedSeconds = Field(
        default=0, description="The clock that tokens are checked by goes this much ahead; behind, if negative"
    )
    create_then_error: Probability = Field(default=0, description="The task is made, the answer is 5002")
    account_error: Annotated[int, Field(ge=1100, le=1102)] | None = Field(
        default=None, description="Every create is refused with this code"
    )
    fail_tasks: Probability = Field(default=0, description="The task ends failed")
    truncate_images: Probability = Field(default=0, description="An image arrives cut, in two ways by turns")
    image_errors: Probability = Field(default=0, description="403 or 404 instead of an image")
    first_image_try_fails: bool = Field(default=False, description="403 or 404 for whoever first asks for an image")
    not_images: Probability = Field(default=0, description="200 with a page of HTML instead of an image")
    expired_links: Probability = Field(default=0, description="The image links in an answer have expired already")
    slow_images_bps: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        default=None, description="An image arrives at this many bytes a second"
    )
    max_slots: Annotated[int, Field(ge=0)] | None = Field(default=None, description="1303 beyond so many slots")
    at_most: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="After so many faults by chance no further one strikes: bad luck ends"
    )
    seed: int | None = Field(
        default=None, description="Where the dice start; without it, chance is never the same twice"
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
                known = ", ".join(cls.model_fields)
                raise InvalidRequest(f"{first['loc'][0]}: there is no such fault; there are {known}") from error
            raise invalid_request(error) from error


class FaultBoard:
    """Holds the faults in force; setting them replaces all of them.

    Attributes:
        now: The faults in force.
        struck: How often one of them has struck by chance since they were put in force.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._seed = seed
        self._dice = random.Random(seed)  # noqa: S311 - chance in a simulation, not a secret
        self.struck = 0
        self.now = Faults()

    def replace(self, faults: Faults) -> None:
        """Puts these faults in force, and no others; with a seed, the same dice are thrown again."""
        self.now = faults
        self.struck = 0
        seed = self._seed if faults.seed is None else faults.seed
        if seed is not None:
            self._dice.seed(seed)

    def strikes(self, probability: float) -> bool:
        """Throws the dice once; whether they strike also depends on how often they have since the last replacement."""
        if self._dice.random() >= probability or self.struck == self.now.at_most:
            return False
        self.struck += 1
        return True

    def one_of(self, choices: tuple[int, ...]) -> int:
        """Picks one of several ways to go wrong."""
        return self._dice.choice(choices)

    def up_to(self, most: float) -> float:
        """A length of time by chance."""
        return self._dice.uniform(0, most)
