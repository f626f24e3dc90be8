"""Stacks to be broken: small pictures, short timers, the template's policies enforced, the injector in the workers."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from kiln.provider.verdicts import MISSING_CODES
from kiln.slots.gate import Calls
from kiln.slots.gate_rule import GateState
from kiln.tasks import items
from local.stack import TASKS_PATH, Options, Stack
from tests.chaos.plans import Injector
from tests.integration.client import Caller, Client, Found, JsonObject, wait_until
from tests.integration.driver import Deployment

PARAMETERS = {"PollAfterSeconds": "2", "DropWaitSeconds": "2"}
"""A turn is never checked by the timer in the length of a test: who hands slots over must also wake."""

ENVIRONMENT = {"AUTH": "true", "SFN_WAIT_SCALE": "0.02"}
"""The policies of the template are enforced; waits between retries pass at a fiftieth of their length."""

PROVIDER = ["--task-seconds", "0.4", "--pixels", "40000"]

INBOX_VISIBILITY_SECONDS = 4
"""The queue's own 180 s, after which a crashed batch comes back, would be most of the time of a run."""

REPEATED_AFTER_S = 5.0
"""Lambda repeats a failed call after a minute, at first."""

REQUESTER = "kiln.requests"
"""The event source that the template lets ask for tasks."""

CALLERS = [Caller(f"caller-{number}") for number in range(8)]


class ChaosDeployment(Deployment):
    """The operator's view of a stack with an injector; several threads may look through it at once.

    Attributes:
        injector: Arms plans and holds the recordings.
    """

    def __init__(self, stack: Stack, injector: Injector) -> None:
        super().__init__(stack)
        self.injector = injector
        self._events_lock = threading.Lock()

    def events(self, task_id: str) -> list[JsonObject]:
        """As the operator's view has it, for one thread at a time: what one has received the others see."""
        with self._events_lock:
            return list(super().events(task_id))

    def request(self, detail: JsonObject) -> None:
        """Puts an ``Image Task Requested`` event on the bus."""
        entry = {
            "EventBusName": self.here["event_bus"],
            "Source": REQUESTER,
            "DetailType": "Image Task Requested",
            "Detail": json.dumps(detail),
        }
        assert self.aws.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0

    def wait_until_notified(self, marker: str, condition: Callable[[], Found | None], what: str) -> Found:
        """Waits, and repeats a notification that was broken: Lambda calls again, the local EventBridge calls once."""
        due = time.monotonic()

        def is_notified() -> Found | None:
            nonlocal due
            found = condition()
            may_be_broken = self.injector.is_throttling() or self.injector.is_any_struck(marker)
            if not found and time.monotonic() > due and may_be_broken:
                due = time.monotonic() + REPEATED_AFTER_S
                self._notify_again(self.task_of(marker) or "")
            return found

        return wait_until(is_notified, what)

    def _notify_again(self, task_id: str) -> None:
        for event in self.events(task_id):
            if event["detail"]["metadata"].get("has_receiver"):
                payload = {"notification_workflow": self.resource("NotificationWorkflow"), "detail": event["detail"]}
                self.aws.client("lambda").invoke(
                    FunctionName=self.resource("NotifyFunction"),
                    InvocationType="Event",
                    Payload=json.dumps(payload).encode(),
                )

    def result(self, folder: str, *, code: int | None = None) -> JsonObject:
        """Waits for a drop's ``result.json``; the folder's name is the marker."""
        self.wait_until_notified(folder, lambda: self.read(f"{folder}/result.json"), f"{folder} has a result.json")
        return super().result(folder, code=code)

    def task_of(self, marker: str) -> str | None:
        """The task that bears a marker, as the injector has seen it started."""
        for path in (self.injector.folder / "tasks").iterdir():
            if path.read_text(encoding="utf-8") == marker:
                return path.name
        return None

    def executions(self) -> dict[str, str]:
        """Every workflow of a task and its status."""
        pages = self.aws.stepfunctions.get_paginator("list_executions").paginate(
            stateMachineArn=self.here["state_machine_arn"]
        )
        return {each["name"]: each["status"] for page in pages for each in page["executions"]}

    def wait_for_end(self, task_id: str) -> None:
        """Waits until a task's workflow has ended as it should, or the one that was started in its place."""
        wait_until(lambda: self._last_status(task_id) == "SUCCEEDED", f"the workflow of {task_id} has succeeded")

    def unfinished(self) -> list[str]:
        """Every task whose workflow has not succeeded, nor another in its place."""
        names = {name.partition("_")[0] for name in self.executions()}
        return [task_id for task_id in sorted(names) if self._last_status(task_id) != "SUCCEEDED"]

    def is_started_again(self, task_id: str) -> bool:
        """Whether another workflow was started in place of a task's first."""
        return self.execution_status(task_id, 1) is not None

    def _last_status(self, task_id: str) -> str | None:
        last = None
        for times in itertools.count():
            status = self.execution_status(task_id, times)
            if status is None:
                return last
            last = status
        return last

    def images_in_outbox(self, prefix: str) -> list[str]:
        """The keys of the images below a prefix, without their previews."""
        pages = self.aws.s3.get_paginator("list_objects_v2").paginate(Bucket=self.here["outbox_bucket"], Prefix=prefix)
        keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
        return [key for key in keys if not key.endswith((".json", "-preview.webp"))]

    def every_item(self) -> Iterator[JsonObject]:
        """Every item of the table."""
        pages = self.aws.dynamodb.get_paginator("scan").paginate(TableName=self.here["table"], ConsistentRead=True)
        for page in pages:
            for item in page["Items"]:
                yield {name: self._deserializer.deserialize(value) for name, value in item.items()}

    def tasks_with_prompt(self, prompt: str) -> list[str]:
        """The ids of the tasks that have a prompt."""
        return [
            item["task_id"]
            for item in self.every_item()
            if item["pk"].startswith("TASK#") and item.get("prompt") == prompt
        ]

    def batch_ends(self, batch_id: str) -> list[JsonObject]:
        """The events of a batch's end."""
        details: list[JsonObject] = [each["detail"] for each in self.events_of_type("Image Batch Finished")]
        return [detail for detail in details if detail["data"]["batch_id"] == batch_id]

    def is_incomplete(self, batch_key: items.Item) -> bool:
        """Whether the jobs of a batch are not all accepted."""
        answer = self.aws.dynamodb.get_item(TableName=self.here["table"], Key=batch_key, ConsistentRead=True)
        return "queue" in answer["Item"]

    def files(self, task_id: str) -> list[str]:
        """Every version of a file of a task, in all buckets."""
        found = []
        for bucket in self.aws.s3.list_buckets()["Buckets"]:
            pages = self.aws.s3.get_paginator("list_object_versions").paginate(Bucket=bucket["Name"])
            found += [each["Key"] for page in pages for each in page.get("Versions", []) if task_id in each["Key"]]
        return found

    def account_of(self, task_id: str) -> str:
        """The provider account that a task is bound to; ``default`` if it is bound to none."""
        account: str = self.item(task_id).get("account", "default")
        return account

    def found_at(self, task_id: str, *, but: str = "") -> list[str]:
        """The provider accounts at which a task is, without one of them."""
        url = f"{self.here['provider_url']}{TASKS_PATH}/{self.run_id(task_id)}"

        def has(account: str) -> bool:
            headers = {"Authorization": f"Bearer {self.stack.provider_token(account)}"}
            answer = self.http.get(url, headers=headers)
            assert answer.json()["code"] in (0, *MISSING_CODES), answer.text
            return bool(answer.json()["code"] == 0)

        return [name for name in self.here["provider_accounts"].split(",") if name != but and has(name)]

    def gate(self, account: str = "default") -> GateState:
        """An account's gate for creates."""
        key = items.gate_key(account, Calls.CREATE.value)
        item = self.aws.dynamodb.get_item(TableName=self.here["table"], Key=key, ConsistentRead=True).get("Item", {})
        return GateState.of(item)

    def forget_gates(self) -> None:
        """Opens the gates of all accounts; no task may wait for one."""
        for account in self.here["provider_accounts"].split(","):
            for calls in Calls:
                key = items.gate_key(account, calls.value)
                self.aws.dynamodb.delete_item(TableName=self.here["table"], Key=key)

    def set_numbers(self, key: items.Item, **numbers: int) -> None:
        """Sets moments of an item, as if time had passed."""
        self.aws.dynamodb.update_item(
            TableName=self.here["table"],
            Key=key,
            AttributeUpdates={name: {"Action": "PUT", "Value": {"N": str(each)}} for name, each in numbers.items()},
        )

    def reconcile(self, marker: str = "") -> None:
        """Runs the reconciler, as its schedule does once a minute; a plan for the marker may break the run."""
        function = self.resource("ReconcileFunction")
        self.aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps({"marker": marker}).encode())

    def dead_letters(self) -> int:
        """How many messages lie in the dead-letter queues."""
        count = 0
        for name in ("InboxDeadLetters", "UnstartedTasks"):
            answer = self.aws.sqs.get_queue_attributes(QueueUrl=self.resource(name), AttributeNames=["All"])
            count += int(answer["Attributes"]["ApproximateNumberOfMessages"])
        return count


@contextlib.contextmanager
def broken_stack(
    folder: Path,
    parameters: Mapping[str, str] | None = None,
    *,
    one_at_a_time: bool = True,
    webhook_secret: str = "",
    provider_accounts: int = 1,
) -> Iterator[ChaosDeployment]:
    """A stack with an injector, for the length of a ``with`` block.

    Args:
        folder: For its files.
        parameters: Of the template, on top of those all such stacks have.
        one_at_a_time: Whether each record has its own invocation (a plan strikes one task), and messages return soon.
        webhook_secret: With which the provider's account signs its callbacks, if it does.
        provider_accounts: How many accounts the provider has.
    """
    injector = Injector(folder / "injector")
    options = Options(
        folder / "stack",
        parameters={**PARAMETERS, **(parameters or {})},
        aws_environment={**ENVIRONMENT, **injector.environment},
        provider_arguments=[*PROVIDER, *(["--webhook-secret", webhook_secret] if webhook_secret else [])],
        provider_accounts=provider_accounts,
    )
    with Stack(options) as stack:
        _let_in(stack)
        with contextlib.closing(ChaosDeployment(stack, injector)) as kiln:
            if webhook_secret:
                keys = {**stack.provider_keys, "webhook_secret": webhook_secret}
                secret = kiln.resource("ProviderSecret")
                stack.clients.secretsmanager.put_secret_value(SecretId=secret, SecretString=json.dumps(keys))
            if one_at_a_time:
                _one_at_a_time(kiln)
            yield kiln


@contextlib.contextmanager
def client_of(kiln: Deployment, caller: Caller = CALLERS[0]) -> Iterator[Client]:
    """A caller's view of a stack."""
    with contextlib.closing(Client(kiln.here["api_url"], caller)) as client:
        yield client


def inbox_caller(kiln: Deployment) -> Caller:
    """The caller that dropped tasks belong to."""
    here = kiln.here
    return Caller("local", access_key=here["access_key"], secret_key=here["secret_key"], api_key=here["api_key"])


def _let_in(stack: Stack) -> None:
    here = stack.description
    own = Caller("local", access_key=here["access_key"], secret_key=here["secret_key"], api_key=here["api_key"])
    stack.clients.secretsmanager.put_secret_value(
        SecretId=here["callers_secret_arn"],
        SecretString=json.dumps({"callers": [caller.entry() for caller in (own, *CALLERS)]}),
    )


def _one_at_a_time(kiln: Deployment) -> None:
    url = kiln.resource("InboxQueue")
    kiln.aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(INBOX_VISIBILITY_SECONDS)})
    functions = kiln.aws.client("lambda")
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        functions.update_event_source_mapping(UUID=mapping["UUID"], BatchSize=1)
