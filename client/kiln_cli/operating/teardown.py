"""``kiln teardown``: stops the workflows of a stack, names whatever blocks its deletion, and deletes it when asked.

CloudFormation deletes a state machine only when its executions have ended, and a bus only without other rules.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from kiln_cli.failures import FAILED, NOT_IN_TIME, USAGE, CommandFailed
from kiln_cli.operating.installation import Installation
from kiln_cli.operating.operations import operate
from kiln_cli.operating.session import FOR_OPERATORS, OperatorCommand, OperatorSession

app = typer.Typer()

_MACHINES = ("StateMachineArn", "NotificationWorkflowArn")
_KEPT = ("InboxBucketName", "OutboxBucketName", "TableName")
_REASON = "kiln teardown"
_LOOK_SECONDS = 2.0
_LOCAL_RULE = "kiln-local-events"
"""The rule behind the event queue of a local stack, which ends with the stack."""


@app.command("teardown", cls=OperatorCommand, rich_help_panel=FOR_OPERATORS)
def teardown(
    session: OperatorSession,
    name: Annotated[str, typer.Argument(metavar="STACK", help="The stack's name, once more, so that it is no mistake")],
    stop: Annotated[bool, typer.Option("--stop", help="Pause dispatch and stop all running workflows")] = False,
    delete: Annotated[bool, typer.Option("--delete", help="Stop, and then delete the stack")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the deletion")] = 1_800.0,
) -> None:
    """Say what blocks a stack's deletion; with --stop stop its workflows, with --delete delete it. Images stay."""
    installation = session.installation
    if name != installation.name:
        raise CommandFailed(f"expected the name of the stack {installation.name}, got {name}; check --stack", USAGE)
    kept = {output: installation.output(output) for output in _KEPT}
    stopped = _stop_all(installation) if stop or delete else 0
    blocking = list(blockers(installation))
    found = {"stack": name, "stopped": stopped, "blocking": blocking, "kept": kept, "deleted": False}
    lines = [f"workflows stopped: {stopped}"] if stop or delete else []
    lines += [f"blocks: {each}" for each in blocking]
    lines += [f"stays: {output} {value}" for output, value in kept.items()]
    if delete and not blocking:
        _delete(installation, timeout)
        found["deleted"] = True
        lines.append(f"{name} is deleted")
    session.answer(found, *lines)
    if blocking and delete:
        raise CommandFailed(f"{name} is not deleted: {'; '.join(blocking)}", FAILED)


def blockers(installation: Installation) -> Iterator[str]:
    """Everything that would make CloudFormation's deletion hang or fail, and what to do about it."""
    running = sum(1 for _ in running_executions(installation))
    if running:
        yield f"{running} workflows run; stop them with --stop, or wait for them after kiln dispatch drain"
    cloudformation = installation.client("cloudformation")
    stack = cloudformation.describe_stacks(StackName=installation.name)["Stacks"][0]
    if stack.get("EnableTerminationProtection"):
        yield "termination protection is on; switch it off with aws cloudformation update-termination-protection"
    own = set(installation.resources("AWS::Events::Rule").values())
    bus = installation.output("EventBusName")
    if installation.is_local:
        own.add(_LOCAL_RULE)
    rules = installation.client("events").list_rules(EventBusName=bus)["Rules"]
    for rule in rules:
        # CloudFormation names a rule of a bus "bus|rule"; an archive's rule is managed by EventBridge.
        if not {rule["Name"], f"{bus}|{rule['Name']}"} & own and not rule.get("ManagedBy"):
            yield f"rule {rule['Name']} on the bus {bus} is not of this stack; its owner has to remove it"
    bucket = installation.output("InputsBucketName")
    if installation.client("s3").list_objects_v2(Bucket=bucket, MaxKeys=1).get("KeyCount"):
        yield f"the bucket of inputs is not empty; empty it with aws s3 rm --recursive s3://{bucket}"


def running_executions(installation: Installation) -> Iterator[str]:
    """The ARNs of the running executions of both workflows."""
    pages = installation.client("stepfunctions").get_paginator("list_executions")
    for output in _MACHINES:
        for page in pages.paginate(stateMachineArn=installation.output(output), statusFilter="RUNNING"):
            yield from (each["executionArn"] for each in page["executions"])


def _stop_all(installation: Installation) -> int:
    """Stops every execution. The rule that starts a broken workflow again is switched off first."""
    operate(installation, "pause")
    events: Any = installation.client("events")
    for rule in installation.resources("AWS::Events::Rule").values():
        if "RescueFunction" in rule:
            events.disable_rule(Name=rule.rpartition("|")[2])
    client: Any = installation.client("stepfunctions")
    stopped = 0
    while running := list(running_executions(installation)):
        for arn in running:
            client.stop_execution(executionArn=arn, cause=_REASON)
            stopped += 1
    return stopped


def _delete(installation: Installation, timeout: float) -> None:
    client = installation.client("cloudformation")
    client.delete_stack(StackName=installation.name)
    ends_at = time.monotonic() + timeout
    while time.monotonic() < ends_at:
        stack = _state(client, installation.name)
        if stack in {"", "DELETE_COMPLETE"}:
            return
        if stack == "DELETE_FAILED":
            raise CommandFailed(f"{installation.name}: DELETE_FAILED; see its events in the CloudFormation console")
        time.sleep(0.1 if installation.is_local else _LOOK_SECONDS)
    raise CommandFailed(f"{installation.name} is still being deleted after {timeout:g} s", NOT_IN_TIME)


def _state(client: Any, name: str) -> str:
    """The stack's status; empty if it is gone."""
    try:
        return str(client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
    except client.exceptions.ClientError as error:
        if "does not exist" in str(error):
            return ""
        raise
