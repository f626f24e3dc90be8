"""A task's own properties, the place of its results, and its id."""

from __future__ import annotations

import re

import pytest

from kiln.contract import TaskStatus
from kiln.tasks.ids import content_task_id, new_task_id
from kiln.tasks.task import Origin
from kiln.tasks.views import created_view, found_view
from tests.support.samples import make_task, stored_image


def test_results_of_different_tasks_have_different_keys():
    assert make_task("a").result_prefix == "tasks/a"
    dropped = Origin(channel="drop", folder="summer/cat 1")
    assert make_task("a", origin=dropped).result_prefix == "summer/cat 1/a"
    assert make_task("b", origin=dropped).result_prefix == "summer/cat 1/b"


def test_answer_to_create_has_id_status_and_times():
    created = created_view(make_task(external_task_id="mine", task_status="failed", updated_at=1_722_769_999_999))
    assert created.task_id == "task-1"
    assert created.task_info.external_task_id == "mine"
    assert created.task_status is TaskStatus.SUBMITTED
    assert created.created_at == created.updated_at == 1_722_769_557_708


@pytest.mark.usefixtures("cloud")
def test_answer_to_query_has_the_images():
    task = make_task(
        task_status="succeed",
        watermark=True,
        final_unit_deduction="32",
        result=[stored_image(0), stored_image(1, content_type="image/jpeg")],
    )
    found = found_view(task, "https://kiln.test")
    assert found.watermark_info.enabled is True
    assert found.final_unit_deduction == "32"
    assert [image.index for image in found.task_result.images] == [0, 1]
    pattern = r"https://kiln\.test/v1/results/task-1/[\w-]{32}/{}"
    assert re.fullmatch(pattern.replace("{}", r"0\.png"), found.task_result.images[0].url)
    assert re.fullmatch(pattern.replace("{}", r"1\.jpg"), found.task_result.images[1].url)


def test_failed_task_has_its_reason():
    found = found_view(make_task(task_status="failed", task_status_msg="why"), "")
    assert (found.task_status_msg, found.task_result.images) == ("why", [])


def test_new_ids_differ_and_ids_of_the_same_content_are_equal():
    assert len({new_task_id() for _ in range(100)}) == 100
    assert re.fullmatch(r"[0-9a-f]{32}", new_task_id())
    assert content_task_id("a", "b") == content_task_id("a", "b")
    assert content_task_id("a", "b") != content_task_id("b", "a")
    assert re.fullmatch(r"[0-9a-f]{32}", content_task_id("猫"))


def test_repr_of_a_task_has_no_data_of_its_caller():
    shown = repr(make_task(prompt="private", callback_url="https://caller.test/?token=1"))
    assert "private" not in shown
    assert "caller.test" not in shown
    assert "images.test" not in shown
