"""Drops as people leave them, end to end: the important rows of the table in tests/world."""

from __future__ import annotations

import json

import pytest

from tests.integration.client import Client, picture, wait_until
from tests.integration.driver import Deployment
from tests.integration.promise import assert_succeeded
from tests.world.drops import ROWS, Row

ROWS_HERE = [row for row in ROWS if row.is_end_to_end]
SUBJECT = {"subject_image_list": [{"subject_image": "cat.png"}]}


@pytest.fixture(scope="module")
def dropped(settled: Deployment) -> str:
    """The folder that holds every row's folder; all of them are dropped at once."""
    settled.set_faults(task_seconds=0.2)
    for number, row in enumerate(ROWS_HERE):
        for name, content in row.files.items():
            settled.drop(f"world/{number}/{name}", content)
    return "world"


@pytest.mark.parametrize("number", range(len(ROWS_HERE)), ids=[row.name for row in ROWS_HERE])
def test_drop_has_its_outcome(kiln: Deployment, inbox_client: Client, dropped: str, number: int) -> None:
    row: Row = ROWS_HERE[number]
    folder = f"{dropped}/{number}"
    if row.tasks:
        result = kiln.result(folder, code=0)
        task = assert_succeeded(kiln, inbox_client, result["data"]["task_id"], n=row.fields.get("n", 1))
        item = kiln.item(task["task_id"])
        assert {name: item[name] for name in row.fields} == row.fields
    elif row.says:
        result = kiln.result(folder)
        assert row.says in result["message"]
        assert result["code"] != 0
    else:
        kiln.settle()
        assert kiln.read(f"{folder}/result.json") is None


def test_paid_images_of_a_folder_of_dots_are_stored(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    for below in ("./a", "a/../b"):
        kiln.drop(f"{folder}/{below}/cat.png", picture())
        kiln.drop(f"{folder}/{below}/job.json", SUBJECT)
    for below in ("./a", "a/../b"):
        result = kiln.result(f"{folder}/{below}", code=0)
        assert_succeeded(kiln, inbox_client, result["data"]["task_id"])


def test_failed_drop_says_so_at_its_top(kiln: Deployment, folder: str) -> None:
    kiln.set_faults(fail_tasks=1)
    kiln.drop(f"{folder}/cat.png", picture())
    kiln.drop(f"{folder}/job.json", SUBJECT)
    result = kiln.result(folder)
    assert result["code"] == 5000
    assert result["message"] == result["data"]["task_status_msg"] != ""


def test_metadata_with_a_typo_is_named(kiln: Deployment, folder: str) -> None:
    kiln.drop(f"{folder}.png", picture(), promt="A cat")
    assert kiln.result(f"{folder}.png", code=0)["ignored"] == ["promt"]


def test_half_a_surrogate_pair_on_the_bus_is_refused(kiln: Deployment) -> None:
    event_id = kiln.ask_by_event(json.loads('{"prompt": "\\ud83d"}'))

    def refused() -> list[str]:
        details = [each["detail"] for each in kiln.events_of_type("Image Task Refused")]
        return [each["metadata"]["request_event_id"] for each in details]

    wait_until(lambda: event_id in refused(), "the request is refused")
