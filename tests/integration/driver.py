"""Drives a running stack for the tests: the operator's view of what lies behind the API."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Self

import httpx
from boto3.dynamodb.types import TypeDeserializer

from kiln.slots.gate import Calls
from kiln.tasks import items
from kiln.tasks.executions import execution_name
from local import function_logs
from local.clients import AwsClients
from local.stack import STACK_NAME, TASKS_PATH, Stack
from tests.integration.client import PATIENCE_S, Caller, JsonObject, wait_until
from tests.integration.histories import Step, steps_of


class Deployment:
    """The operator's view of one stack: the provider's control, the table, the workflow, the bus, the buckets."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.here = stack.description
        self.http = httpx.Client(trust_env=False, timeout=PATIENCE_S)
        self._events: dict[str, list[JsonObject]] = defaultdict(list)
        self._run_ids: dict[str, str] = {}
        self._resources: dict[str, str] = {}
        self._deserializer = TypeDeserializer()

    def close(self) -> None:
        self.http.close()

    @contextlib.contextmanager
    def without_faults(self, **always: Any) -> Iterator[Self]:
        """No fault but these is in force, before the block and after it, and no task is left that would take long."""
        self.set_faults(**always)
        yield self
        self.set_faults(**always)
        self.finish()

    @property
    def aws(self) -> AwsClients:
        return self.stack.clients

    # The provider.

    def set_faults(self, **faults: object) -> None:
        answer = self.http.post(f"{self.here['provider_control_url']}/faults", json=faults)
        assert answer.status_code == 200, answer.text

    def finish(self) -> None:
        """Ends what is being generated now, however long it was to take."""
        answer = self.http.post(f"{self.here['provider_control_url']}/finish")
        assert answer.status_code == 200, answer.text

    def stats(self) -> JsonObject:
        counts: JsonObject = self.http.get(f"{self.here['provider_control_url']}/stats").json()
        return counts

    def generations(self, task_id: str) -> int:
        """How many times the provider has made this task."""
        return int(self.stats()["by_external_id"].get(self.run_id(task_id), 0))

    def at_provider(self, path: str) -> Any:
        """The provider's own answer, by the account's own key."""
        key = self.stack.provider_keys
        token = Caller("the provider's", access_key=key["access_key"], secret_key=key["secret_key"]).token()
        url = f"{self.here['provider_url']}{TASKS_PATH}{path}"
        return self.http.get(url, headers={"Authorization": f"Bearer {token}"}).json()["data"]

    def provider_order(self) -> list[str]:
        """Our ids of the provider's tasks, the oldest first."""
        tasks = self.at_provider("?pageSize=500")
        return [task["task_info"]["external_task_id"].partition("_")[0] for task in reversed(tasks)]

    # The table.

    def item(self, task_id: str) -> JsonObject:
        answer = self.aws.dynamodb.get_item(
            TableName=self.here["table"], Key={"pk": {"S": f"TASK#{task_id}"}}, ConsistentRead=True
        )
        return {name: self._deserializer.deserialize(value) for name, value in answer["Item"].items()}

    def slots_item(self) -> JsonObject:
        """The item of the provider's slots, as DynamoDB has it."""
        answer = self.aws.dynamodb.get_item(TableName=self.here["table"], Key=items.SLOTS_KEY, ConsistentRead=True)
        return dict(answer.get("Item", {}))

    def holders(self) -> set[str]:
        """The slots that are held: ``<task id>#<number>``."""
        return set(self.slots_item().get("holders", {}).get("SS", []))

    def failed_probes(self) -> int:
        """How many probes of creates have failed since the gate closed; 0 while it is open."""
        key = items.gate_key("default", Calls.CREATE.value)
        item = self.aws.dynamodb.get_item(TableName=self.here["table"], Key=key, ConsistentRead=True).get("Item", {})
        return int(item.get("probes", {}).get("N", "0"))

    def is_parked(self, task_id: str) -> bool:
        return "task_token" in self.item(task_id)

    def run_id(self, task_id: str) -> str:
        """The id that Step Functions and the provider have for a task."""
        if task_id not in self._run_ids:
            self._run_ids[task_id] = self.item(task_id)["run_id"]
        return self._run_ids[task_id]

    # The workflow.

    def execution_arn(self, task_id: str, times: int = 0) -> str:
        """The execution of a task's workflow: the first, or the one that was started again so many times."""
        name = execution_name(self.run_id(task_id), times)
        return f"{self.here['state_machine_arn'].replace(':stateMachine:', ':execution:')}:{name}"

    def execution_status(self, task_id: str, times: int = 0) -> str | None:
        """The status of an execution; ``None`` until it is started."""
        client = self.aws.stepfunctions
        try:
            return client.describe_execution(executionArn=self.execution_arn(task_id, times))["status"]
        except client.exceptions.ExecutionDoesNotExist:
            return None

    def wait_for_end(self, task_id: str) -> None:
        """Waits until a task's workflow has ended as it should."""
        wait_until(
            lambda: self.execution_status(task_id) not in (None, "RUNNING"), f"the workflow of {task_id} has ended"
        )
        assert self.execution_status(task_id) == "SUCCEEDED"

    def steps(self, task_id: str) -> list[Step]:
        """The states that a task's workflow went through, in order; those it is still in are left out."""
        if self.execution_status(task_id) is None:
            return []
        return steps_of(self.aws.stepfunctions, self.execution_arn(task_id))

    def notification_status(self, task_id: str, status: str) -> str:
        """How far a webhook of one change is: a first attempt that succeeds needs no workflow."""
        deliveries = [each for each in self.item(task_id).get("deliveries", []) if each["task_status"] == status]
        if any(each["outcome"] != "retry" for each in deliveries):
            return "SUCCEEDED"
        arn = self.resource("NotificationWorkflow").replace(":stateMachine:", ":execution:")
        try:
            name = f"{self.run_id(task_id)}-{status}"
            return self.aws.stepfunctions.describe_execution(executionArn=f"{arn}:{name}")["status"]
        except self.aws.stepfunctions.exceptions.ExecutionDoesNotExist:
            return "NOT STARTED"

    def timers_fired(self, task_id: str) -> int:
        """How often the fallback poller's timer woke this task instead of a callback."""
        return sum(step.name == "AwaitCallback" and step.error == "States.Timeout" for step in self.steps(task_id))

    # The bus.

    def events(self, task_id: str) -> list[JsonObject]:
        """Every event of a task that has come so far, as EventBridge delivered it."""
        url = self.here["events_queue_url"]
        how: Any = {"QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 600}
        while messages := self.aws.sqs.receive_message(**how).get("Messages", []):
            for message in messages:
                event = json.loads(message["Body"])
                self._keep(event)
                self.aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return self._events[task_id]

    def events_of_type(self, detail_type: str) -> list[JsonObject]:
        """Every event of a kind that tells of no task, as EventBridge delivered it."""
        self.events("")
        return self._events[detail_type]

    def _keep(self, event: JsonObject) -> None:
        data = event["detail"].get("data")
        task_id = data.get("task_id") if isinstance(data, dict) else None
        self._events[task_id or event["detail-type"]].append(event)

    def ask_by_event(self, data: object, *, source: str = "kiln.requests") -> str:
        """Puts ``Image Task Requested`` on the bus, and gives the event's id."""
        entry: Any = {
            "EventBusName": self.here["event_bus"],
            "Source": source,
            "DetailType": "Image Task Requested",
            "Detail": json.dumps({"data": data}),
        }
        (answer,) = self.aws.events.put_events(Entries=[entry])["Entries"]
        return answer["EventId"]

    # The buckets.

    def drop(self, key: str, body: bytes | JsonObject, **metadata: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.aws.s3.put_object(Bucket=self.here["inbox_bucket"], Key=key, Body=content, Metadata=metadata)

    def read(self, key: str) -> bytes | None:
        """An object of the outbox, or ``None``."""
        try:
            return self.aws.s3.get_object(Bucket=self.here["outbox_bucket"], Key=key)["Body"].read()
        except self.aws.s3.exceptions.NoSuchKey:
            return None

    def result(self, folder: str, *, code: int | None = None) -> JsonObject:
        """Waits for a drop's ``result.json`` (the one with this ``code``, if one is given)."""

        def written() -> JsonObject | None:
            content = self.read(f"{folder}/result.json")
            if content is None:
                return None
            body: JsonObject = json.loads(content)
            return body if code is None or body["code"] == code else None

        return wait_until(written, f"there is a result.json for {folder}")

    # The inbox's queue.

    def send_to_inbox_queue(self, message: JsonObject) -> None:
        self.aws.sqs.send_message(QueueUrl=self.resource("InboxQueue"), MessageBody=json.dumps(message))

    def settle(self) -> None:
        """Waits until the inbox queue is empty and nothing of it is under way."""
        url = self.resource("InboxQueue")
        names: Any = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]

        def is_empty() -> bool:
            counts = self.aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            return all(int(count) == 0 for count in counts.values())

        wait_until(is_empty, "the inbox queue is empty")

    def invoke(self, logical_id: str, payload: object) -> Any:
        """Calls a function as its trigger would, and gives what it answers."""
        answer = self.aws.client("lambda").invoke(
            FunctionName=self.resource(logical_id), Payload=json.dumps(payload).encode()
        )
        result = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, result
        return result

    def operate(self, operation: str, **arguments: str) -> JsonObject:
        """Invokes an operation, as the command ``kiln`` does."""
        answer = self.invoke("OperateFunction", {"operation": operation, **arguments})
        assert answer["refusal"] == "", answer
        result: JsonObject = answer["result"]
        return result

    # The template's resources.

    def resource(self, logical_id: str) -> str:
        """The physical id of a resource of the template."""
        if logical_id not in self._resources:
            answer = self.aws.cloudformation.describe_stack_resource(StackName=STACK_NAME, LogicalResourceId=logical_id)
            self._resources[logical_id] = answer["StackResourceDetail"]["PhysicalResourceId"]
        return self._resources[logical_id]

    def logged_errors(self, since: float) -> list[str]:
        """The errors that the functions have logged since a moment (seconds since the epoch)."""
        return [message for message in self.logged(since, "error") if '"level":"ERROR"' in message]

    def logged(self, since: float, word: str = "") -> list[str]:
        """Every line with a word that the functions have logged since a moment (seconds since the epoch)."""
        found = function_logs.lines(self._logs, f"/kiln/{STACK_NAME}", since=since, pattern=word)
        return [message for _, message in found]

    @cached_property
    def _logs(self) -> Any:
        return self.aws.client("logs")

    def unfinished(self) -> list[str]:
        """Every workflow that has not succeeded, and the last state it has left."""
        client = self.aws.stepfunctions
        answer = client.list_executions(stateMachineArn=self.here["state_machine_arn"])
        left = [execution for execution in answer["executions"] if execution["status"] != "SUCCEEDED"]
        return [f"{each['name']} {each['status']}, {steps_of(client, each['executionArn'])[-1:]}" for each in left]

    @cached_property
    def _signing_key(self) -> bytes:
        answer = self.aws.secretsmanager.get_secret_value(SecretId=self.resource("SigningSecret"))
        key: str = json.loads(answer["SecretString"])["key"]
        return key.encode()

    def callback_link(self, task_id: str) -> str:
        """The URL that the provider was given to call back at."""
        digest = hmac.new(self._signing_key, f"callback\x00{task_id}".encode(), hashlib.sha256).digest()
        token = base64.urlsafe_b64encode(digest[:24]).decode()
        return f"{self.here['api_url']}/v1/callbacks/{task_id}/{token}"
