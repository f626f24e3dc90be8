"""The contract's enumerations and limits, written out once more as the contract's page has them."""

from __future__ import annotations

import pytest

from kiln.contract import AspectRatio, ModelName, TaskStatus, vocabulary
from kiln.images import limits


def test_enumerations_are_those_of_the_contract():
    assert [*ModelName] == ["kling-v2", "kling-v2-1"]
    assert [*AspectRatio] == ["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9"]
    assert [*TaskStatus] == ["submitted", "processing", "succeed", "failed"]


def test_limits_are_those_of_the_contract():
    assert vocabulary.PROMPT_CHARACTERS == 2_500
    assert vocabulary.SUBJECTS == (1, 4)
    assert vocabulary.IMAGES_PER_TASK == (1, 9)
    assert limits.IMAGE_BYTES == 10 * 1024 * 1024
    assert limits.IMAGE_SIDE_PIXELS == 300
    assert limits.IMAGE_RATIO == 2.5
    assert vocabulary.PAGE_NUM == (1, 1_000)
    assert vocabulary.PAGE_SIZE == (1, 500)


@pytest.mark.parametrize(
    ("status", "is_terminal"), [("submitted", False), ("processing", False), ("succeed", True), ("failed", True)]
)
def test_succeed_and_failed_are_terminal(status, is_terminal):
    assert TaskStatus(status).is_terminal is is_terminal
