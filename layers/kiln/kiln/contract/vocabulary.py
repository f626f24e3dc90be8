"""The contract's enumerations and limits: the one place to change when the provider changes what it accepts."""

from __future__ import annotations

import re
from enum import StrEnum


class ModelName(StrEnum):
    """``model_name``: the models the contract names; ``kling-v2`` is the default."""

    KLING_V2 = "kling-v2"
    KLING_V2_1 = "kling-v2-1"


class AspectRatio(StrEnum):
    """``aspect_ratio`` (width:height): eight values; 16:9 is the default."""

    R16_9 = "16:9"
    R9_16 = "9:16"
    R1_1 = "1:1"
    R4_3 = "4:3"
    R3_4 = "3:4"
    R3_2 = "3:2"
    R2_3 = "2:3"
    R21_9 = "21:9"


class TaskStatus(StrEnum):
    """``task_status``: the four states of a task; the last two are terminal."""

    SUBMITTED = "submitted"
    PROCESSING = "processing"
    SUCCEED = "succeed"
    FAILED = "failed"

    @property
    def is_terminal(self) -> bool:
        """Whether a task in this state never changes again."""
        return self in (TaskStatus.SUCCEED, TaskStatus.FAILED)


class Priority(StrEnum):
    """``priority`` (Kiln's own): a task of low priority waits while any task of normal priority does."""

    NORMAL = "normal"
    LOW = "low"


PROMPT_CHARACTERS = 2_500
"""``prompt``: at most this many characters (contract)."""

SUBJECTS = (1, 4)
"""``subject_image_list``: from one to four images (contract)."""

IMAGES_PER_TASK = (1, 9)
"""``n``: from one to nine generated images (contract)."""

PAGE_NUM = (1, 1_000)
"""``pageNum`` (contract)."""

PAGE_SIZE = (1, 500)
"""``pageSize`` (contract)."""

URL_CHARACTERS = 2_048
"""``callback_url``: at most this many characters (Kiln's own bound)."""

EXTERNAL_ID_CHARACTERS = 512
"""``external_task_id``: at most this many characters (Kiln's own bound)."""

DIGITS = re.compile(r"\s*[+-]?[0-9]+\s*", re.ASCII)
"""An integer as a string: digits alone, no separators between them."""


class Stage(StrEnum):
    """Where a task is: finer than the contract's ``task_status``, whose terminal states are the last two."""

    WAITING = "waiting"
    DISPATCHING = "dispatching"
    GENERATING = "generating"
    COLLECTING = "collecting"
    SUCCEED = "succeed"
    FAILED = "failed"
