"""The list's own filters: by status and by time, page by page, and never another caller's tasks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from local.stack import TASKS_PATH
from tests.integration.client import Client, JsonObject
from tests.integration.driver import Deployment


def ids(tasks: list[JsonObject]) -> list[str]:
    return [task["task_id"] for task in tasks]


def test_filters_and_pages_show_each_callers_own_tasks(
    kiln: Deployment, new_client: Callable[[Deployment], Client]
) -> None:
    kiln.set_faults(task_seconds=0.1)
    one, other = new_client(kiln), new_client(kiln)
    mine: list[str] = []
    theirs: list[str] = []
    for number in range(4):
        # By turns, so that the callers' tasks lie between each other's in time.
        kiln.set_faults(task_seconds=0.1, fail_tasks=float(number % 2))
        mine.append(one.create())
        theirs.append(other.create())
        for client, task_id in ((one, mine[-1]), (other, theirs[-1])):
            client.wait_for(task_id)
    for client, created in ((one, mine), (other, theirs)):
        everything = client.list()
        assert ids(everything) == created[::-1]
        assert [task["task_status"] for task in everything] == ["failed", "succeed"] * 2
        for status in ("submitted", "processing", "succeed", "failed"):
            expected = [task for task in everything if task["task_status"] == status]
            assert client.list(task_status=status) == expected
            assert client.list(task_status=status, pageNum=2, pageSize=1) == expected[1:2]
            assert client.list(task_status=status, pageNum=3, pageSize=1) == expected[2:]

        # From any moment to any other, the boundaries themselves left out.
        times = [task["created_at"] for task in everything]
        for after in (None, 0, times[3], times[2] - 1, times[0]):
            for before in (None, times[3], times[1], times[1] + 1, times[0] + 10**6):
                expected = [
                    task
                    for task in everything
                    if (after is None or task["created_at"] > after) and (before is None or task["created_at"] < before)
                ]
                window = {"created_after": after, "created_before": before}
                asked = {name: moment for name, moment in window.items() if moment is not None}
                assert client.list(**asked) == expected, asked
        within = {"created_after": times[3] - 1, "created_before": times[0]}
        assert client.list(**within, pageNum=2, pageSize=2) == everything[3:]
        assert client.list(**within, task_status="succeed") == [everything[1], everything[3]]
        assert client.list(**within, pageNum=1000, pageSize=500) == []


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"task_status": "done"}, "task_status: must be one of"),
        ({"created_after": "yesterday"}, "created_after: must be an integer, got 'yesterday'"),
        ({"created_before": "-1"}, "created_before: must be at least 0, got '-1'"),
    ],
)
def test_filters_beyond_the_limits_are_refused(client: Client, parameters: dict[str, str], message: str) -> None:
    answer = client.send("GET", TASKS_PATH, params=parameters)
    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert answer.json()["message"].startswith(message), answer.text
