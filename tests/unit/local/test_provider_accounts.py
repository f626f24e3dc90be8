"""Several simulated accounts: each has its own keys, slots, tasks, external ids, counts and faults."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local.provider.settings import AccountKeys
from tests.support.provider_rig import PATH, Rig, make_job, provider, sign

SECOND = AccountKeys("second", "ak-second", "the-secret-key-of-second-32-long", "sk-second")
THIRD = AccountKeys(
    "third", "ak-third", "the-secret-key-of-third-32-chars", webhook_secret="whsec_dGhpcmR0aGlyZHRoaXJk"
)


@pytest.fixture
def rig() -> Iterator[Rig]:
    with provider(other_accounts=(SECOND, THIRD), max_slots=2) as running:
        yield running


def create(rig: Rig, keys: AccountKeys | None = None, **job: object) -> tuple[int, Any]:
    answer = rig.client.post(PATH, json=make_job(**job), headers=sign(keys)).json()
    return answer["code"], answer.get("data")


def counts(rig: Rig) -> dict[str, tuple[int, int, int]]:
    by_account = rig.stats()["by_account"]
    return {name: (each["creates"], each["generated"], each["refused"]) for name, each in by_account.items()}


def test_same_external_id_is_another_task_in_another_account(rig: Rig) -> None:
    ids = {keys: create(rig, keys, external_task_id="order-1")[1]["task_id"] for keys in (None, SECOND)}
    assert create(rig, SECOND, external_task_id="order-1")[0] == 1201
    for keys, task_id in ids.items():
        found = rig.client.get(f"{PATH}/order-1", headers=sign(keys)).json()["data"]
        assert found["task_id"] == task_id
    assert rig.stats()["by_external_id"] == {"order-1": 2}


def test_account_does_not_see_tasks_of_another(rig: Rig) -> None:
    _, task = create(rig, SECOND)
    for keys, code, tasks in ((None, 1201, 0), (SECOND, 0, 1), (THIRD, 1201, 0)):
        assert rig.client.get(f"{PATH}/{task['task_id']}", headers=sign(keys)).json()["code"] == code
        assert len(rig.client.get(PATH, headers=sign(keys)).json()["data"]) == tasks


def test_full_account_leaves_the_slots_of_others_free(rig: Rig) -> None:
    rig.set_faults(task_seconds=60)
    assert [create(rig, keys, n=2)[0] for keys in (None, SECOND, SECOND, THIRD)] == [0, 0, 1303, 0]


def test_creates_and_refusals_count_by_account_and_in_all(rig: Rig) -> None:
    rig.set_faults(task_seconds=60)
    for keys in (None, SECOND, SECOND):
        create(rig, keys, n=2)
    plain = rig.client.post(PATH, json=make_job(), headers={"Authorization": "Bearer sk-second"})
    assert plain.json()["code"] == 1303
    assert counts(rig) == {"default": (1, 1, 0), "second": (3, 1, 2), "third": (0, 0, 0)}
    stats = rig.stats()
    assert (stats["creates"], stats["generated"], stats["refused"]) == (4, 2, 2)
    rig.client.post("/_control/reset")
    assert counts(rig) == {"default": (0, 0, 0), "second": (0, 0, 0), "third": (0, 0, 0)}


def test_create_with_an_unknown_key_counts_for_no_account(rig: Rig) -> None:
    unknown = AccountKeys("x", "ak-x", "the-secret-key-of-nothing-32-char")
    forged = AccountKeys("y", "ak-second", "not-the-secret-key-of-second-32-")
    assert [create(rig, unknown)[0], create(rig, forged)[0]] == [1000, 1000]
    assert counts(rig) == {"default": (0, 0, 0), "second": (1, 0, 0), "third": (0, 0, 0)}
    assert rig.stats()["creates"] == 2


def test_fault_of_one_account_leaves_the_others_alone(rig: Rig) -> None:
    rig.set_faults(accounts={"second": {"account_error": 1102}})
    assert [create(rig, keys)[0] for keys in (None, SECOND, THIRD)] == [0, 1102, 0]
    assert rig.client.get("/_control/faults").json() == {"accounts": {"second": {"account_error": 1102}}}
    rig.set_faults()
    assert create(rig, SECOND)[0] == 0


def test_faults_of_an_account_replace_those_of_all(rig: Rig) -> None:
    rig.set_faults(max_slots=0, accounts={"second": {"max_slots": 5}})
    assert [create(rig, keys, n=3)[0] for keys in (None, SECOND, THIRD)] == [1303, 0, 1303]


def test_slots_by_model_are_counted_by_account_and_model(rig: Rig) -> None:
    rig.set_faults(task_seconds=60, accounts={"second": {"max_slots_by_model": {"kling-v2": 2, "kling-v2-1": 1}}})
    wanted = [("kling-v2", 2), ("kling-v2", 1), ("kling-v2-1", 1), ("kling-v2-1", 1)]
    assert [create(rig, SECOND, model_name=model, n=n)[0] for model, n in wanted] == [0, 1303, 0, 1303]
    assert create(rig, THIRD, model_name="kling-v2", n=2)[0] == 0


def test_model_without_slots_is_refused(rig: Rig) -> None:
    rig.set_faults(max_slots_by_model={"kling-v2": 2})
    assert create(rig, model_name="kling-v2-1")[0] == 1303


def test_at_most_counts_once_unless_an_account_has_its_own(rig: Rig) -> None:
    rig.set_faults(throttle_rate=1, at_most=2, accounts={"third": {"at_most": 1}})
    codes = [rig.client.get(PATH, headers=sign(keys)).json()["code"] for keys in (None, SECOND, SECOND, THIRD, THIRD)]
    assert codes == [1302, 1302, 0, 1302, 0]
    assert rig.stats()["struck"] == 3


def test_image_fault_strikes_images_of_its_account(rig: Rig) -> None:
    urls = {}
    for keys in (None, SECOND):
        _, task = create(rig, keys)
        where = f"{PATH}/{task['task_id']}"
        rig.client.until(
            lambda where=where, keys=keys: (
                rig.client.get(where, headers=sign(keys)).json()["data"]["task_status"] == "succeed"
            ),
            "the task succeeds",
        )
        data = rig.client.get(where, headers=sign(keys)).json()["data"]
        urls[keys] = data["task_result"]["images"][0]["url"]
    rig.set_faults(accounts={"second": {"not_images": 1}})
    assert [rig.client.get(url).text.startswith("<html>") for url in urls.values()] == [False, True]


def test_callbacks_have_the_signature_of_their_account(rig: Rig) -> None:
    for keys in (None, THIRD):
        create(rig, keys, callback_url="https://caller.test/hook")
    rig.until_callbacks(6)
    assert sum("webhook-signature" in each.headers for each in rig.outside.callbacks) == 3


def test_finish_ends_the_tasks_of_every_account(rig: Rig) -> None:
    rig.set_faults(task_seconds=3_600)
    for keys in (None, SECOND):
        create(rig, keys, external_task_id="order-1")
    rig.client.post("/_control/finish")
    for keys in (None, SECOND):
        rig.client.until(
            lambda keys=keys: (
                rig.client.get(f"{PATH}/order-1", headers=sign(keys)).json()["data"]["task_status"] == "succeed"
            ),
            "the task succeeds",
        )


@pytest.mark.parametrize(
    ("faults", "complaint"),
    [
        ({"gone": {"hang_s": 1}}, "accounts.gone: there is no such account; there are default, second, third"),
        ({"second": {"no_such": 1}}, "accounts.second.no_such: there is no such fault"),
        ({"second": {"accounts": {}}}, "accounts.second.accounts: there is no such fault"),
        ({"second": {"account_error": 1103}}, "accounts.second.account_error: "),
        ("second", "accounts: "),
    ],
)
def test_impossible_faults_of_an_account_are_refused_and_change_nothing(
    rig: Rig, faults: object, complaint: str
) -> None:
    rig.set_faults(max_slots=5)
    refused = rig.client.post("/_control/faults", json={"accounts": faults})
    assert refused.status_code == 400
    assert refused.json()["message"].startswith(complaint)
    assert rig.client.get("/_control/faults").json() == {"max_slots": 5}
