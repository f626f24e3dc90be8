"""Tasks as DynamoDB items and back, and the table's keys."""

from __future__ import annotations

import pytest

from kiln.images.stored import StoredInput
from kiln.tasks import items
from kiln.tasks.task import Origin
from tests.support.samples import make_task, stored_image


@pytest.mark.parametrize(
    "task",
    [
        make_task(),
        make_task(n=9, watermark=True, prompt="猫 🐈", sequence=12, dispatch_attempts=3, dispatched_at=1),
        make_task(
            inputs=[StoredInput(field="scene_image", bucket="b", key="k", version_id="v")],
            origin=Origin(channel="drop", folder="a/b c"),
            result=[stored_image(0), stored_image(1)],
            wake_requested_at=5,
        ),
    ],
)
def test_stored_task_is_read_back_unchanged(task):
    assert items.task_of(items.item_of(task)) == task


def test_empty_attributes_are_left_out_of_the_item():
    item = items.item_of(make_task())
    assert {"dispatched_at", "provider_task_id", "wake_requested_at", "result", "callback_url", "watermark"}.isdisjoint(
        item
    )
    assert item["task_status"] == {"S": "submitted"}


def test_image_index_zero_is_stored():
    item = items.item_of(make_task(result=[stored_image(0)]))
    assert item["result"]["L"][0]["M"]["index"] == {"N": "0"}


def test_attributes_not_projected_have_their_defaults():
    item = items.item_of(make_task())
    del item["inputs"]
    assert items.task_of({**item, "pk": {"S": "TASK#task-1"}, "task_token": {"S": "t"}}).inputs == []


def test_keys_of_different_kinds_are_distinct():
    keys = [
        items.task_key("a"),
        items.caller_key("a"),
        items.external_key("a", "b"),
        items.external_key("b", "b"),
        items.external_key("a", "c"),
    ]
    assert len({key["pk"]["S"] for key in keys}) == len(keys)


def test_key_of_any_external_id_fits_into_dynamodb():
    assert len(items.external_key("c" * 128, "🐈" * 512)["pk"]["S"].encode()) < 2_048
