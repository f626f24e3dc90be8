"""The query parameters of the list of tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from kiln.contract.violations import invalid_request
from kiln.contract.vocabulary import DIGITS, PAGE_NUM, PAGE_SIZE, TaskStatus


def _digits(value: Any) -> Any:
    # Pydantic would read "1_0" as 10.
    if isinstance(value, str) and not DIGITS.fullmatch(value):
        raise ValueError("must be an integer")
    return value


Integer = Annotated[int, BeforeValidator(_digits)]
# The limit is the integer's own: a limit on the union with None has no keyword in JSON Schema.
Instant = Annotated[int, Field(ge=0), BeforeValidator(_digits)]


class ListQuery(BaseModel, defer_build=True):
    """The query parameters of the list: the contract's two, and Kiln's filters."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    page_num: Integer = Field(
        default=1, alias="pageNum", ge=PAGE_NUM[0], le=PAGE_NUM[1], description="Which page, from the newest task on"
    )
    page_size: Integer = Field(
        default=30, alias="pageSize", ge=PAGE_SIZE[0], le=PAGE_SIZE[1], description="How many tasks a page has"
    )
    task_status: TaskStatus | None = Field(default=None, description="Only tasks of this status (Kiln's own filter)")
    search: str | None = Field(
        default=None,
        max_length=200,
        description="Only tasks whose prompt has all these words, or whose id or external_task_id begins with them, "
        "among 2,000 tasks; the header Kiln-Created-Before continues in older ones (Kiln's own filter)",
    )
    created_after: Instant | None = Field(
        default=None, description="Only tasks created after this, in ms since the epoch (Kiln's own filter)"
    )
    created_before: Instant | None = Field(
        default=None, description="Only tasks created before this, in ms since the epoch (Kiln's own filter)"
    )

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> ListQuery:
        """Reads the query string's parameters.

        Raises:
            InvalidRequest: A parameter is not within its limits.
        """
        try:
            return cls.model_validate({name: value.strip() for name, value in parameters.items() if value.strip()})
        except ValidationError as error:
            raise invalid_request(error) from error

    @classmethod
    def ignored(cls, parameters: Mapping[str, str]) -> list[str]:
        """The names of the parameters that have no effect on the list."""
        known = {field.alias or name for name, field in cls.model_fields.items()} | set(cls.model_fields)
        return [name for name, value in parameters.items() if value and name not in known]
