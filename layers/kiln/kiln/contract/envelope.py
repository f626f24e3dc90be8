"""The envelope of every answer, and the refusal: all that a function without answers about tasks needs."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, Field

Payload = TypeVar("Payload")


class Envelope(BaseModel, Generic[Payload], defer_build=True):
    """Every answer of the contract; ``code`` 0 is success (contract)."""

    code: int = Field(default=0, description="0 on success, else the provider's business code")
    message: str = Field(default="SUCCEED", description="The outcome in words")
    request_id: str = Field(description="Identifies this request in the logs")
    data: Payload


class Refusal(BaseModel, defer_build=True):
    """A refusal: the envelope without ``data``."""

    code: int = Field(description="The provider's business code")
    message: str = Field(description="The reason: the field, its limit, and the value that was got")
    request_id: str = Field(description="Identifies this request in the logs")
