"""Queues of the local AWS that receive events of Kiln's bus."""

from __future__ import annotations

import json

from local.clients import AwsClients


def subscribe(clients: AwsClients, bus: str, name: str, *, detail_type: str | None = None) -> str:
    """Creates a queue that receives events of a bus, and returns its URL.

    Args:
        clients: Clients of the local AWS.
        bus: The bus.
        name: The name of the queue and of the rule that fills it.
        detail_type: The only kind of event that is wanted; every event without it.
    """
    url = clients.sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    clients.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    pattern = {"detail-type": [detail_type]} if detail_type else {"source": [{"prefix": ""}]}
    clients.events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))
    clients.events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    return url
