"""A subscriber for the time of a run: a queue and a rule on the bus, both removed at its end."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from kiln_cli.acceptance.trial import Trial

_KINDS = {"Image Task Succeeded", "Image Task Failed"}


class Subscriber:
    """Receives every event of Kiln while the run lasts.

    Attributes:
        events: The events so far, as EventBridge delivered them.
    """

    def __init__(self, trial: Trial) -> None:
        self.events: list[dict[str, Any]] = []
        self._trial = trial
        self._sqs: Any = trial.installation.client("sqs")
        rules: Any = trial.installation.client("events")
        bus = trial.installation.output("EventBusName")
        self._url = self._sqs.create_queue(QueueName=trial.mark)["QueueUrl"]
        trial.undo.callback(self._sqs.delete_queue, QueueUrl=self._url)
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        arn = attributes["Attributes"]["QueueArn"]
        rule = rules.put_rule(Name=trial.mark, EventBusName=bus, EventPattern=json.dumps({"source": ["kiln"]}))
        trial.undo.callback(rules.delete_rule, Name=trial.mark, EventBusName=bus)
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule["RuleArn"]}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": policy})
        rules.put_targets(Rule=trial.mark, EventBusName=bus, Targets=[{"Id": "acceptance", "Arn": arn}])
        trial.undo.callback(rules.remove_targets, Rule=trial.mark, EventBusName=bus, Ids=["acceptance"])

    def kinds_of(self, task_id: str) -> list[str]:
        """The kinds of a task's events, once the last one has arrived."""
        self._trial.wait(lambda: _KINDS & set(self._kinds(task_id)))
        return self._kinds(task_id)

    def task_of(self, external_id: str) -> str:
        """Waits for the task with an external id; empty if none is published."""
        return self._trial.wait(lambda: self._submitted(external_id)) or ""

    def _submitted(self, external_id: str) -> str:
        self._receive()
        tasks = (each["detail"].get("data") or {} for each in self.events)
        found = (each["task_id"] for each in tasks if _external_id(each) == external_id)
        return next(found, "")

    def _kinds(self, task_id: str) -> list[str]:
        self._receive()
        return [each["detail-type"] for each in _about(self.events, task_id)]

    def _receive(self) -> None:
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                self.events.append(json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])


def _external_id(task: dict[str, Any]) -> str:
    return str((task.get("task_info") or {}).get("external_task_id", ""))


def _about(events: Iterable[dict[str, Any]], task_id: str) -> Iterable[dict[str, Any]]:
    return (each for each in events if (each["detail"].get("data") or {}).get("task_id") == task_id)
