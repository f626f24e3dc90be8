"""What may be asked of the list of tasks."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kiln.contract.violations import invalid_request
from kiln.contract.vocabulary import PAGE_NUM, PAGE_SIZE, TaskStatus


class ListQuery(BaseModel, defer_build=True):
    """The query parameters of the list: the contract's two, and Kiln's filters."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    page_num: int = Field(
        default=1, alias="pageNum", ge=PAGE_NUM[0], le=PAGE_NUM[1], description="Which page, from the newest task on"
    )
    page_size: int = Field(
        default=30, alias="pageSize", ge=PAGE_SIZE[0], le=PAGE_SIZE[1], description="How many tasks a page has"
    )
    task_status: TaskStatus | None = Field(default=None, description="Only tasks of this status (Kiln's own filter)")
    created_after: int | None = Field(
        default=None, ge=0, description="Only tasks created after this, in ms since the epoch (Kiln's own filter)"
    )
    created_before: int | None = Field(
        default=None, ge=0, description="Only tasks created before this, in ms since the epoch (Kiln's own filter)"
    )

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> ListQuery:
        """Reads the query string's parameters.

        Raises:
            InvalidRequest: A parameter is not within its limits.
        """
        try:
            return cls.model_validate({name: value for name, value in parameters.items() if value})
        except ValidationError as error:
            raise invalid_request(error) from error
