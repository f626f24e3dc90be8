"""An account's slots as options: ``--slots 9``, ``--model-slots kling-v2=9``, or both."""

from __future__ import annotations

from typing import Annotated

import typer

from kiln_cli.failures import USAGE, CommandFailed
from kiln_cli.operating.accounts_secret import LARGEST_SLOTS
from kiln_cli.pictures.submit import MODELS

Slots = Annotated[
    int | None,
    typer.Option(help="How many images the account generates at once", min=1, max=LARGEST_SLOTS),
]
ModelSlots = Annotated[
    list[str] | None,
    typer.Option(
        metavar="MODEL=NUMBER",
        help="The same for one model; repeat it for others. --slots is then for the other models",
    ),
]


def counts(slots: int | None, model_slots: list[str]) -> int | dict[str, int] | None:
    """Returns the slots for all models together, or for each; ``None`` if neither option is there.

    Raises:
        CommandFailed: A value is malformed.
    """
    if not model_slots:
        return slots
    by_model = {} if slots is None else dict.fromkeys(MODELS, slots)
    for each in model_slots:
        model, _, number = each.partition("=")
        if not model or not number.isdecimal() or int(number) > LARGEST_SLOTS:
            raise CommandFailed(
                f"--model-slots: must be MODEL=NUMBER with a number from 0 to {LARGEST_SLOTS}, got {each}", USAGE
            )
        by_model[model] = int(number)
    return by_model


def described(slots: int | dict[str, int]) -> str:
    """The slots in words."""
    if isinstance(slots, int):
        return f"{slots} slot{'s' * (slots != 1)}"
    return "slots: " + ", ".join(f"{count} for {model}" for model, count in slots.items())
