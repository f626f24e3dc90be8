"""The tasks that run while something breaks: by API, by drop, by bus, and in the queue behind another."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator

from kiln.workflow.rescue import RESTARTED
from local.receiver import Receiver
from local.stack import TASKS_PATH
from tests.chaos.invariants import assert_ended, assert_kept, assert_notified
from tests.chaos.stacks import REQUESTER, ChaosDeployment, client_of, inbox_caller
from tests.integration.client import NEVER, Client, job, picture, wait_until

Scenario = Callable[[ChaosDeployment, Receiver, str], None]

IMAGES = 2
_OTHERS_SLOTS = 7
"""Slots that someone else holds, so that two are left for the tasks that queue for them."""


def api_task(kiln: ChaosDeployment, receiver: Receiver, marker: str) -> None:
    """A task of two images, its input in Base64, with an id of the caller's and a ``callback_url``."""
    with client_of(kiln) as client:
        task_id = create(client, marker, n=IMAGES, callback_url=f"{receiver.url}/{marker}")
        assert_kept(kiln, client, task_id, n=IMAGES)
        assert_notified(kiln, receiver, marker, task_id)
        _assert_alone(kiln, client.caller.name, marker)


def dropped_task(kiln: ChaosDeployment, receiver: Receiver, marker: str) -> None:
    """A folder whose ``job.json`` comes first, so that its image is waited for."""
    body = {"prompt": marker, "subject_image_list": [{"subject_image": "cat.png"}], "n": IMAGES}
    kiln.drop(f"{marker}/job.json", body)
    kiln.drop(f"{marker}/cat.png", picture())
    with client_of(kiln, inbox_caller(kiln)) as client:
        result = kiln.result(marker, code=0)["data"]
        task = assert_kept(kiln, client, result["task_id"], n=IMAGES)
        assert result["task_status"] == "succeed"
        images = result["task_result"]["images"]
        assert [image["url"] for image in images] == [image["url"] for image in task["task_result"]["images"]]
    _assert_alone(kiln, "local", marker)


def requested_task(kiln: ChaosDeployment, receiver: Receiver, marker: str) -> None:
    """An ``Image Task Requested`` event on the bus."""
    data = job(prompt=marker, n=IMAGES, subject_image_list=[{"subject_image": public_picture(kiln)}])
    kiln.request({"data": data})
    task_id = wait_until(lambda: kiln.task_of(marker), "the request has become a task")
    wait_until(lambda: kiln.item(task_id)["task_status"] == "succeed", f"{task_id} has succeeded")
    assert kiln.generations(task_id) == 1
    kiln.wait_for_end(task_id)
    _assert_alone(kiln, REQUESTER, marker)


def queued_tasks(kiln: ChaosDeployment, receiver: Receiver, marker: str) -> None:
    """Two tasks where there is room for one: the first bears the marker, the second waits for what it hands over."""
    with someone_elses_slots(kiln), client_of(kiln) as client:
        kiln.set_faults(task_seconds=NEVER)
        first = create(client, marker, n=IMAGES)
        wait_until(lambda: kiln.generations(first), "the first task runs")
        kiln.set_faults()
        second = client.create(n=IMAGES)
        # Where the first is broken in the middle, it may have to let the second go ahead.
        wait_until(lambda: kiln.is_parked(second) or kiln.generations(second), "the second waits in the queue")
        kiln.finish()
        assert_kept(kiln, client, first, n=IMAGES)
        assert_kept(kiln, client, second, n=IMAGES)


def restarted_task(kiln: ChaosDeployment, receiver: Receiver, marker: str) -> None:
    """A task whose workflow breaks while the provider is at work, and that another workflow takes to its end."""
    with client_of(kiln) as client:
        task_id = _stopped_under_way(kiln, client, marker, error=RESTARTED)
        assert_kept(kiln, client, task_id, n=IMAGES)


def stopped_task(kiln: ChaosDeployment, receiver: Receiver, marker: str) -> None:
    """A task whose workflow an operator stops for good: it fails, and its caller is notified."""
    with client_of(kiln) as client:
        task_id = _stopped_under_way(kiln, client, marker, error="")
        task = client.wait_for(task_id, "failed")
        assert "was stopped" in task["task_status_msg"]
        assert kiln.generations(task_id) == 1
        assert_ended(kiln, task)


def deleted_task(kiln: ChaosDeployment, receiver: Receiver, marker: str) -> None:
    """A task that is deleted by a careful caller: once more when no answer came."""
    with client_of(kiln) as client:
        task_id = create(client, marker, n=IMAGES)
        assert_kept(kiln, client, task_id, n=IMAGES)
        path = f"{TASKS_PATH}/{task_id}"
        answer = client.send("DELETE", path)
        if answer.status_code >= 500:
            answer = client.send("DELETE", path)
        # The first request may have completed the deletion before its answer was lost.
        assert answer.status_code in (200, 404), answer.text
        assert client.send("GET", path).status_code == 404
        assert kiln.files(task_id) == []
        assert not {"prompt", "inputs", "result", "is_deleting"} & set(kiln.item(task_id))

        def ids() -> set[str]:
            deleted = [each for each in kiln.events(task_id) if each["detail-type"] == "Image Task Deleted"]
            return {each["detail"]["metadata"]["event_id"] for each in deleted}

        assert len(wait_until(ids, f"the deletion of {task_id} is published")) == 1


def _stopped_under_way(kiln: ChaosDeployment, client: Client, marker: str, *, error: str) -> str:
    task_id = create(client, marker, n=IMAGES)
    wait_until(lambda: kiln.generations(task_id), f"{task_id} is under way")
    arn = kiln.execution_arn(task_id)
    kiln.aws.stepfunctions.stop_execution(executionArn=arn, error=error)
    wait_until(
        lambda: kiln.is_started_again(task_id) or kiln.injector.is_any_struck(marker), f"{task_id} is started again"
    )
    if kiln.injector.is_any_struck(marker):
        # The local EventBridge calls a function once. Lambda calls again when that fails, and it may have failed.
        ended = kiln.aws.stepfunctions.describe_execution(executionArn=arn)
        detail = {name: ended[name] for name in ("stateMachineArn", "name", "status", "input")}
        kiln.aws.client("lambda").invoke(
            FunctionName=kiln.resource("RescueFunction"),
            InvocationType="Event",
            Payload=json.dumps({"source": "aws.states", "detail": detail}).encode(),
        )
    return task_id


@contextlib.contextmanager
def someone_elses_slots(kiln: ChaosDeployment) -> Iterator[None]:
    """All slots but two are held, by tasks that never release them.

    They are not stored, so the reconciler would release them: it runs when it is called.
    """
    names = {":others": {"SS": [f"{'0' * 32}#{number}" for number in range(_OTHERS_SLOTS)]}}
    where = {"TableName": kiln.here["table"], "Key": {"pk": {"S": "SLOTS"}}, "ExpressionAttributeValues": names}
    with _without_schedule(kiln):
        kiln.aws.dynamodb.update_item(UpdateExpression="ADD holders :others", **where)  # type: ignore[arg-type]
        try:
            yield
        finally:
            kiln.aws.dynamodb.update_item(UpdateExpression="DELETE holders :others", **where)  # type: ignore[arg-type]


@contextlib.contextmanager
def _without_schedule(kiln: ChaosDeployment) -> Iterator[None]:
    """Lets the reconciler run when it is called, and not once a minute."""
    rule = kiln.resource("ReconcileFunctionEveryMinute").rpartition("|")[2]
    kiln.aws.events.disable_rule(Name=rule)
    kiln.reconcile()  # A run that has begun ends before this one.
    try:
        yield
    finally:
        kiln.aws.events.enable_rule(Name=rule)


def create(client: Client, marker: str, **changes: object) -> str:
    """Creates as a careful caller does: with a key, and once more when no answer came.

    The second time changes nothing where the first has left a task: that one runs to its end, acknowledged or not.
    """
    body = job(prompt=marker, external_task_id=marker, **changes)
    headers = {"Idempotency-Key": marker}
    answer = client.send("POST", TASKS_PATH, json=body, headers=headers)
    if answer.status_code != 200:
        assert answer.status_code >= 500, answer.text
        answer = client.send("POST", TASKS_PATH, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    task_id: str = answer.json()["data"]["task_id"]
    return task_id


def _assert_alone(kiln: ChaosDeployment, caller: str, prompt: str) -> None:
    """One request has made one task, however often its event was delivered."""
    answer = kiln.aws.dynamodb.scan(
        TableName=kiln.here["table"],
        FilterExpression="caller = :caller AND prompt = :prompt",
        ExpressionAttributeValues={":caller": {"S": caller}, ":prompt": {"S": prompt}},
        ConsistentRead=True,
    )
    assert len(answer["Items"]) == 1


def public_picture(kiln: ChaosDeployment) -> str:
    """Where anyone may fetch an input image: a link to an object, as a team with an event bus would send."""
    kiln.aws.s3.put_object(Bucket=kiln.here["outbox_bucket"], Key="inputs/cat.png", Body=picture())
    link: str = kiln.aws.s3.generate_presigned_url(
        "get_object", Params={"Bucket": kiln.here["outbox_bucket"], "Key": "inputs/cat.png"}, ExpiresIn=3600
    )
    return link
