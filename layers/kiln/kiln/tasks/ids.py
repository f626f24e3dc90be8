"""Task ids: a random one, or the one that belongs to a content."""

from __future__ import annotations

import uuid

from kiln.settings import TableSettings, load

_TASK_IDS = uuid.UUID("6b696c6e-7461-736b-8000-000000000001")


def new_task_id() -> str:
    """A fresh id that cannot be guessed."""
    return uuid.uuid4().hex


def content_task_id(*content: str) -> str:
    """The id that belongs to this content in this installation: the same drop is one task, however often it arrives.

    The table's name is part of it: two installations may share a provider account, to which these ids are external ids.
    """
    return uuid.uuid5(_TASK_IDS, "\n".join((load(TableSettings).table_name, *content))).hex
