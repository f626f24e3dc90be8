"""What may be asked of the list of tasks."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kiln.contract.violations import invalid_request
from kiln.contract.vocabulary import PAGE_NUM, PAGE_SIZE


class ListQuery(BaseModel):
    """The query parameters of the list (contract)."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    page_num: int = Field(default=1, alias="pageNum", ge=PAGE_NUM[0], le=PAGE_NUM[1])
    page_size: int = Field(default=30, alias="pageSize", ge=PAGE_SIZE[0], le=PAGE_SIZE[1])

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> ListQuery:
        """Reads the query string's parameters.

        Raises:
            InvalidRequest: A parameter is not an integer within its limits.
        """
        try:
            return cls.model_validate({name: value for name, value in parameters.items() if value})
        except ValidationError as error:
            raise invalid_request(error) from error
