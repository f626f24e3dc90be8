"""Reads variables of the environment into a model."""

from __future__ import annotations

import os
from functools import cache
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from kiln.errors import ConfigurationError

SettingsModel = TypeVar("SettingsModel", bound="Settings")


class Settings(BaseModel):
    """Some variables of the environment."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, defer_build=True)


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
