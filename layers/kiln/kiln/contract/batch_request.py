"""The request for a batch: many create bodies at once. Kiln's own, no part of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from kiln.contract.request import CallbackUrl
from kiln.contract.vocabulary import EXTERNAL_ID_CHARACTERS, Priority

MOST_JOBS = 100
"""A batch has at most so many jobs."""


class BatchRequest(BaseModel, defer_build=True):
    """The body of *create a batch*. Unknown fields have no effect; null and an empty string count as absent."""

    model_config = ConfigDict(extra="ignore")

    jobs: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=MOST_JOBS,
        description="Create bodies (CreateRequest); each becomes one task. Send images as URLs or uploads: a body "
        "holds 6 MB in all",
        repr=False,
    )
    defaults: dict[str, Any] = Field(
        default_factory=dict, description="Fields of every job that does not have them itself", repr=False
    )
    external_batch_id: str | None = Field(
        default=None, max_length=EXTERNAL_ID_CHARACTERS, description="The caller's own id, unique per caller"
    )
    callback_url: CallbackUrl | None = Field(default=None, description="Called once, when every task has ended")
    priority: Priority | None = Field(default=None, description="The priority of jobs that have none themselves")
    all_or_nothing: bool = Field(default=False, description="Create no task if one job is refused")

    # pydantic copies a default for each request. A factory's signature would be inspected for each.
    _ignored: list[str] = PrivateAttr(default=[])

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, body: Any, handler: Any) -> Any:
        if not isinstance(body, Mapping):
            return handler(body)
        read = {name: value.strip() if isinstance(value, str) else value for name, value in body.items()}
        read = {name: value for name, value in read.items() if value is not None and value != ""}
        request = handler(read)
        request._ignored = [name for name in read if name not in cls.model_fields]  # noqa: SLF001 - the model's own
        return request

    @property
    def ignored(self) -> list[str]:
        """The names of the fields that were sent and have no effect, without those of jobs."""
        return self._ignored

    def bodies(self) -> list[dict[str, Any]]:
        """The create body of each job, with the defaults filled in."""
        common = {**({"priority": self.priority.value} if self.priority else {}), **self.defaults}
        return [{**common, **job} for job in self.jobs]
