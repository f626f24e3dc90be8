"""Nothing waits for ever: a task that cannot be dispatched, finished or copied fails with what held it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.integration.client import Client
from tests.integration.driver import Deployment
from tests.integration.promise import assert_failed, assert_succeeded
from tests.integration.rest import come_to_rest


@pytest.fixture(scope="module")
def hurried(redeployed: Callable[..., Deployment]) -> Deployment:
    """A stack with the shortest deadlines."""
    return redeployed(
        PollAfterSeconds="1",
        DispatchDeadlineSeconds="2",
        GenerationDeadlineSeconds="3",
        CollectDeadlineSeconds="4",
    )


@pytest.fixture
def kiln(hurried: Deployment) -> Iterator[Deployment]:
    come_to_rest(hurried)
    with hurried.without_faults():
        yield hurried


def test_task_within_its_deadlines_succeeds(kiln: Deployment, client: Client) -> None:
    # The first task starts every function, which takes longer than these deadlines allow where the computer is slow.
    client.wait_for(client.create())
    assert_succeeded(kiln, client, client.create())


def test_task_beyond_the_generation_deadline_fails(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(task_seconds=60)
    task_id = client.create()
    assert_failed(kiln, client, task_id, reason="The provider did not finish the task within 3 s")
    # Its callback, should it still come, finds a task that has ended.
    assert kiln.http.post(kiln.callback_link(task_id)).status_code == 200
    assert client.get(task_id)["task_status"] == "failed"


def test_task_beyond_the_dispatch_deadline_fails(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(error_rate=1.0)
    reason = "The provider did not take the task within 2 s; its last answer:"
    assert_failed(kiln, client, client.create(), reason=reason, generations=0)


def test_task_beyond_the_collect_deadline_fails(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(truncate_images=1.0)
    task_id = client.create()
    assert_failed(kiln, client, task_id, reason="The generated images could not be copied within 4 s")
