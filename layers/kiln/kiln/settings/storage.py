"""Where tasks and images are kept."""

from __future__ import annotations

from pydantic import Field

from kiln.settings.reading import Settings


class TableSettings(Settings):
    """Where tasks and slots are kept."""

    table_name: str = Field(alias="TABLE_NAME", min_length=1)
    task_retention_days: int = Field(default=90, alias="TASK_RETENTION_DAYS", ge=30)


class BucketSettings(Settings):
    """Where generated images and ``result.json`` are kept."""

    outbox_bucket: str = Field(alias="OUTBOX_BUCKET", min_length=1)
