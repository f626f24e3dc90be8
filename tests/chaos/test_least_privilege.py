"""The functions use every permission that they have, and a run writes no secret and no prompt."""

from __future__ import annotations

import json
import secrets

from local.receiver import Receiver
from local.stack import TASKS_PATH
from tests.chaos.batch_scenarios import repeated_batch
from tests.chaos.plans import new_marker
from tests.chaos.recovery_scenarios import reconciled_tasks
from tests.chaos.scenarios import (
    IMAGES,
    api_task,
    dropped_task,
    queued_tasks,
    requested_task,
    someone_elses_slots,
    stopped_task,
)
from tests.chaos.secrecy import secrets_of, written
from tests.chaos.stacks import ChaosDeployment, client_of
from tests.integration.client import NEVER, picture, wait_until
from tests.support.permissions import WORKFLOWS, granted, granted_to_workflow, needed_by_workflow, used

UNSEEN = {
    ("Submit", "s3:ListBucket"): "never called: without it S3 answers 403 instead of 404 for what is not there",
    ("Submit", "s3:GetObjectVersion"): "what GetObject needs for the version that was looked at first",
    ("Dispatch", "s3:GetObject"): "for the links that it signs: the provider reads the inputs through them",
    ("Dispatch", "s3:GetObjectVersion"): "as above, for what was dropped",
    ("Query", "s3:GetObject"): "for the links that it signs: callers read the results through them",
    **dict.fromkeys(
        [(name, "dynamodb:BatchGetItem") for name in ("Operate", "Poll", "Reconcile", "Release")],
        "only with several provider accounts: their gates, and the models of waiting tasks",
    ),
    ("Collect", "s3:GetObject"): "for the link by which it reads an image again, to make its preview",
    ("Inbox", "s3:GetObjectVersion"): "as with Submit",
    ("Dispatch", "states:SendTaskSuccess"): "only when a gate opens, or a refused task releases its slots",
    ("Notify", "sqs:SendMessage"): "Lambda itself puts there what could not be attempted",
    ("Query", "dynamodb:UpdateItem"): "only for a query that waits for a change",
    ("Start", "dynamodb:GetItem"): "only for a task that an operator puts back into the table after its turn",
    (
        "Start",
        "sqs:SendMessage",
    ): "records that could not be started for hours (Lambda puts them there), or that can never be read",
    ("Dispatch", "dynamodb:GetItem"): "only when the provider is full below our limit: who holds slots",
    ("Poll", "dynamodb:GetItem"): "only when the task has gone further while it was asked for",
    ("Query", "s3:GetObjectVersion"): "as above, for the inputs that a task was asked for with",
    ("Operate", "s3:ListBucket"): "as with Submit, for an input that is gone",
    ("Operate", "s3:GetObjectVersion"): "what copying needs for an input that was dropped",
    ("Operate", "states:StartExecution"): "only for a task without a workflow",
    ("Rescue", "sqs:SendMessage"): "Lambda itself puts there what could not be rescued",
}
"""Permissions that these runs do not use, and the reasons why they are granted."""

UNENTERED = {"ReleaseSlots", "NotifyEnd"}
"""States after hours of errors: a step that cannot continue, and a bus that takes no event."""


def run_through_every_channel(kiln: ChaosDeployment, receiver: Receiver) -> None:
    for scenario in (api_task, dropped_task, requested_task):
        scenario(kiln, receiver, new_marker())
    queued_tasks(kiln, receiver, new_marker())
    jobs = [{"prompt": prompt, "subject_image_list": [{"subject_image": "cat.png"}]} for prompt in ("one", "two")]
    kiln.drop("list/job.json", json.dumps(jobs).encode())
    wait_until(lambda: any(call["call"] == "sqs.SendMessage" for call in kiln.injector.calls()), "the image is missed")
    kiln.drop("list/cat.png", picture())
    assert len(kiln.result("list", code=0)["data"]) == len(jobs)
    run_what_operators_do(kiln, receiver)
    run_what_is_rarely_needed(kiln, receiver)
    kiln.request({"data": {"n": 99}})
    kiln.drop("nonsense.txt", b"not an image")
    kiln.result("nonsense.txt")
    with someone_elses_slots(kiln), client_of(kiln) as client:
        kiln.set_faults(task_seconds=NEVER)
        running = client.create(n=IMAGES)
        wait_until(lambda: kiln.generations(running), "the first task runs")
        kiln.set_faults()
        waiting = client.create(n=IMAGES)
        wait_until(lambda: kiln.is_parked(waiting), "the second task waits")
        assert client.send("POST", f"{TASKS_PATH}/{waiting}/cancel").status_code == 200
        kiln.finish()
        client.wait_for(running, "succeed")
        kiln.wait_for_end(waiting)
    with client_of(kiln) as client:
        place = client.send("POST", "/v1/uploads").json()["data"]
        assert kiln.http.post(place["url"], data=place["fields"], files={"file": picture()}).is_success
        uploaded = client.create(subject_image_list=[{"subject_image": place["reference"]}])
        client.wait_for(uploaded, "succeed")
        assert client.list()
        for view in ("progress", "request"):
            assert client.send("GET", f"{TASKS_PATH}/{uploaded}/{view}").status_code == 200
    # An operator erases the caller of the drops, whose list has one file for several tasks.
    assert kiln.invoke("DeleteFunction", {"erase": "local"})["deleted"] > len(jobs)


def run_what_operators_do(kiln: ChaosDeployment, receiver: Receiver) -> None:
    """A workflow is stopped, and everything that the command line can ask for is asked for."""
    kiln.set_faults(task_seconds=1.5)
    stopped_task(kiln, receiver, new_marker())
    kiln.set_faults(task_seconds=NEVER, drop_callbacks=True)
    with client_of(kiln) as client:
        restarted = client.create()
        wait_until(lambda: kiln.is_parked(restarted), "the first waits for its callback")
        kiln.operate("show", task_id=restarted)
        kiln.operate("restart", task_id=restarted)
        kiln.set_faults()
        kiln.operate("pause")
        failed = client.create()
        # A task that waits for a callback polls every other second; a task in the queue is parked until it is woken.
        wait_until(lambda: kiln.is_parked(failed), "the second waits in the queue")
        kiln.operate("fail", task_id=failed, reason="called off")
        for operation in ("resume", "status", "check-provider"):
            kiln.operate(operation)
        kiln.finish()
        kiln.wait_for_end(failed)
        made = [kiln.operate("retry", task_id=failed)["task_id"]]
        answer = client.send("POST", f"{TASKS_PATH}/{failed}/retry")
        assert answer.status_code == 200, answer.text
        made.append(answer.json()["data"]["task_id"])
        for task_id in (restarted, *made):
            client.wait_for(task_id, "succeed")
        assert client.send("DELETE", f"{TASKS_PATH}/{restarted}").status_code == 200


def run_what_is_rarely_needed(kiln: ChaosDeployment, receiver: Receiver) -> None:
    """A batch that is sent twice, what the reconciler mends, a dead letter, a broken workflow, a refused webhook."""
    marker = new_marker()
    for _ in range(2):
        repeated_batch(kiln, receiver, marker)
    reconciled_tasks(kiln, receiver, new_marker())
    kiln.aws.sqs.send_message(QueueUrl=kiln.resource("InboxDeadLetters"), MessageBody='{"Event": "s3:TestEvent"}')
    kiln.reconcile()
    # It would come back after a pause.
    kiln.aws.sqs.purge_queue(QueueUrl=kiln.resource("InboxQueue"))
    with someone_elses_slots(kiln), client_of(kiln) as client:
        kiln.set_faults(task_seconds=NEVER)
        broken = client.create(n=IMAGES)
        wait_until(lambda: kiln.generations(broken), "the first task runs")
        kiln.set_faults()
        waiting = client.create(n=IMAGES)
        wait_until(lambda: kiln.is_parked(waiting), "the second task waits")
        # As the state ReleaseSlots does, a day after the first error.
        kiln.invoke("ReleaseFunction", {"task_id": broken, "fault": "an error"})
        client.wait_for(waiting, "succeed")
        kiln.finish()
        kiln.wait_for_end(broken)
        receiver.refusals["succeed"] = [500]
        refused = client.create(callback_url=f"{receiver.url}/refused")
        wait_until(lambda: kiln.notification_status(refused, "succeed") == "SUCCEEDED", "the webhook is sent again")


def states_entered(kiln: ChaosDeployment, name: str) -> set[str]:
    """Every state that an execution of a state machine has been in."""
    client = kiln.aws.stepfunctions
    executions = client.get_paginator("list_executions").paginate(stateMachineArn=kiln.resource(name))
    return {
        event["stateEnteredEventDetails"]["name"]
        for page in executions
        for each in page["executions"]
        for part in client.get_paginator("get_execution_history").paginate(executionArn=each["executionArn"])
        for event in part["events"]
        if "stateEnteredEventDetails" in event
    }


def test_granted_permissions_equal_the_used_ones(kiln: ChaosDeployment, receiver: Receiver) -> None:
    run_through_every_channel(kiln, receiver)
    may = granted()

    def unused() -> set[tuple[str, str]]:
        did = used(kiln.injector.calls())
        return {(name, action) for name, actions in may.items() for action in actions - did.get(name, set())}

    # The effects of the last requests may take some time: the inbox queue has its own pace.
    kiln.settle()
    unknown = sorted(unused() - set(UNSEEN))
    assert not unknown, "\n".join(f"{name}: {action}" for name, action in unknown)
    for name, actions in used(kiln.injector.calls()).items():
        assert actions <= may[name], f"{name} calls what it may not: {actions - may[name]}"
    assert not {action for actions in may.values() for action in actions if "*" in action}
    for name in WORKFLOWS:
        assert granted_to_workflow(name) <= needed_by_workflow(name, states_entered(kiln, name) | UNENTERED)


def test_logs_and_records_of_a_run_have_no_secrets_or_prompts(kiln: ChaosDeployment, receiver: Receiver) -> None:
    prompt = f"a prompt that no other caller may read {secrets.token_hex(16)}"
    with client_of(kiln) as client:
        notified = client.create(
            prompt=prompt, callback_url=f"{receiver.url}/notified", external_task_id=secrets.token_hex(8)
        )
        client.wait_for(notified, "succeed")
        kiln.set_faults(fail_tasks=1.0)
        failed = client.create(prompt=prompt)
        client.wait_for(failed, "failed")
        kiln.set_faults()
        refused = client.post({"prompt": prompt, "subject_image_list": [], "n": 99})
        assert refused.status_code == 400
        assert prompt not in refused.text
    for task_id in (notified, failed):
        kiln.wait_for_end(task_id)
    kinds = set()
    for place, text in written(kiln, [notified, failed]):
        kinds.add(place.split(" ")[0])
        assert prompt not in text, f"the prompt is in {place}"
        for secret in secrets_of(kiln):
            assert secret not in text, f"a secret is in {place}"
    assert {"log", "execution", "history", "events", "item", "object"} <= kinds
