"""Several provider accounts: tasks are spread over them, leave a refused one, and use one that was just added."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import pytest

from tests.integration.client import NEVER, Client, wait_until
from tests.integration.conftest import running
from tests.integration.driver import Deployment
from tests.integration.promise import assert_succeeded

SLOTS = 1
FIRST = ("default", "account-2", "account-3")
ADDED = "account-4"


def put_accounts(kiln: Deployment, *names: str) -> None:
    """Replaces the provider's secret; warm functions notice it within half a minute."""
    entries = [{"name": name, "slots": SLOTS, **kiln.stack.keys_of(name)} for name in names]
    kiln.aws.secretsmanager.put_secret_value(
        SecretId=kiln.resource("ProviderSecret"), SecretString=json.dumps({"accounts": entries})
    )


def generated(kiln: Deployment) -> dict[str, int]:
    """How many tasks each account has been charged for."""
    return {name: counts["generated"] for name, counts in kiln.stats()["by_account"].items()}


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A stack of the module's own: the provider has four accounts, and Kiln knows three."""
    with (
        running(tmp_path_factory.mktemp("accounts"), {}, provider_accounts=4) as stack,
        contextlib.closing(Deployment(stack)) as kiln,
    ):
        put_accounts(kiln, *FIRST)
        yield kiln


def test_tasks_are_spread_over_all_accounts(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(task_seconds=NEVER)
    before = generated(kiln)
    task_ids = [client.create() for _ in range(SLOTS * len(FIRST))]
    wait_until(lambda: all(map(kiln.generations, task_ids)), "every task is at the provider")
    assert {name: count - before[name] for name, count in generated(kiln).items()} == {
        **dict.fromkeys(FIRST, SLOTS),
        ADDED: 0,
    }
    kiln.finish()
    for task_id in task_ids:
        assert_succeeded(kiln, client, task_id)


def test_account_that_was_added_gets_the_tasks_that_wait(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(task_seconds=NEVER)
    running_ids = [client.create() for _ in range(SLOTS * len(FIRST))]
    wait_until(lambda: len(kiln.holders()) >= len(running_ids), "every slot is in use")
    waiting = client.create()
    wait_until(lambda: kiln.is_parked(waiting), "one task waits")
    put_accounts(kiln, *FIRST, ADDED)
    kiln.invoke("ReconcileFunction", {})  # As its schedule does, once a minute.
    wait_until(lambda: generated(kiln)[ADDED] == 1, "the account that was added has a task")
    kiln.finish()
    for task_id in (*running_ids, waiting):
        assert_succeeded(kiln, client, task_id)


def test_task_leaves_a_refused_account_and_is_generated_once(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(task_seconds=NEVER, accounts={"account-2": {"account_error": 1102}})
    before, refused = generated(kiln), kiln.stats()["by_account"]["account-2"]["creates"]
    # The first one goes to the account "default", the second one to "account-2" and from there elsewhere.
    task_ids = [client.create(), client.create()]
    wait_until(lambda: all(map(kiln.generations, task_ids)), "both are at the provider")
    after = generated(kiln)
    assert kiln.stats()["by_account"]["account-2"]["creates"] > refused
    assert after["account-2"] == before["account-2"]
    assert sum(after.values()) - sum(before.values()) == len(task_ids)
    kiln.finish()
    for task_id in task_ids:
        assert_succeeded(kiln, client, task_id)
