"""Callers: each sees only its own tasks, by either id and in its list."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest

from local.stack import TASKS_PATH
from tests.integration.client import Client, job
from tests.integration.driver import Deployment
from tests.integration.promise import assert_succeeded

NewClient = Callable[[Deployment], Client]


def test_callers_do_not_see_each_others_tasks(kiln: Deployment, new_client: NewClient) -> None:
    one, other = new_client(kiln), new_client(kiln)
    mine = one.create(external_task_id="order-1")
    theirs = other.create(external_task_id="order-1")
    assert mine != theirs
    assert one.get("order-1")["task_id"] == mine
    assert other.get("order-1")["task_id"] == theirs
    refused = one.send("GET", f"{TASKS_PATH}/{theirs}")
    unknown = one.send("GET", f"{TASKS_PATH}/{'0' * 32}")
    assert (refused.status_code, refused.json()["code"]) == (404, 1203)
    assert unknown.json()["message"].replace("0" * 32, theirs) == refused.json()["message"]
    assert [task["task_id"] for task in one.list()] == [mine]
    assert [task["task_id"] for task in other.list()] == [theirs]
    assert_succeeded(kiln, one, mine)
    assert_succeeded(kiln, other, theirs)


def test_used_external_id_is_refused(kiln: Deployment, client: Client) -> None:
    task_id = client.create(external_task_id="once")
    again = client.post(job(external_task_id="once"))
    assert (again.status_code, again.json()["code"]) == (400, 1201)
    assert again.json()["message"] == "External_task_id once already exists"
    assert [task["task_id"] for task in client.list()] == [task_id]
    task = assert_succeeded(kiln, client, task_id)
    # Neither is it free again once the task has ended.
    assert client.post(job(external_task_id="once")).json()["code"] == 1201
    assert client.get("once") == task == client.get(task_id)
    assert task["task_info"]["external_task_id"] == "once"


@pytest.mark.parametrize("external_id", ["a b+c", "100%", "100%25", "猫 灯笼", "a?b#c", "a/b", "x/cancel", "x" * 512])
def test_any_external_id_can_be_asked_for(kiln: Deployment, client: Client, external_id: str) -> None:
    kiln.set_faults(task_seconds=0.1)
    task_id = client.create(external_task_id=external_id)
    url = httpx.URL(client.api_url).copy_with(raw_path=f"{TASKS_PATH}/{quote(external_id, safe='')}".encode())
    found = client.http.get(url, headers={"Authorization": f"Bearer {client.caller.token()}"})
    assert found.status_code == 200, found.text
    assert found.json()["data"]["task_id"] == task_id
    assert found.json()["data"]["task_info"]["external_task_id"] == external_id
    assert_succeeded(kiln, client, task_id)


def test_list_is_paged_newest_first(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(task_seconds=0.1)
    assert client.list() == []
    task_ids = [client.create(external_task_id=f"page-{number}") for number in range(5)]
    newest_first = task_ids[::-1]
    assert [task["task_id"] for task in client.list()] == newest_first
    pages = [[task["task_id"] for task in client.list(pageNum=page, pageSize=2)] for page in (1, 2, 3, 4)]
    assert pages == [newest_first[:2], newest_first[2:4], newest_first[4:], []]
    for task_id in task_ids:
        client.wait_for(task_id, "succeed")
        kiln.wait_for_end(task_id)
    assert client.list(pageSize=500) == [client.get(task_id) for task_id in newest_first]


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"pageNum": "0"}, "pageNum"),
        ({"pageNum": "1001"}, "pageNum"),
        ({"pageNum": "one"}, "pageNum"),
        ({"pageSize": "0"}, "pageSize"),
        ({"pageSize": "501"}, "pageSize"),
        ({"pageSize": "-1"}, "pageSize"),
    ],
)
def test_page_beyond_the_limits_is_refused(client: Client, parameters: dict[str, str], field: str) -> None:
    answer = client.send("GET", TASKS_PATH, params=parameters)
    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert answer.json()["message"].startswith(f"{field}: ")


@pytest.mark.parametrize("parameters", [{"pageNum": "1000", "pageSize": "500"}, {"pageNum": ""}, {"other": "x"}])
def test_page_at_the_limits_is_accepted(client: Client, parameters: dict[str, str]) -> None:
    answer = client.send("GET", TASKS_PATH, params=parameters)
    assert (answer.status_code, answer.json()["code"], answer.json()["data"]) == (200, 0, [])
