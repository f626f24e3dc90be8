"""The checks of ``kiln doctor``, one function each: what was found, what to do, and the section of the runbook."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from kiln_cli.operating import dead_letters, executions
from kiln_cli.operating.callers_secret import CallersSecret
from kiln_cli.operating.installation import Installation
from kiln_cli.operating.moments import date_and_time, duration
from kiln_cli.operating.operations import operate
from kiln_cli.operating.secret_document import LARGEST_SECRET_BYTES

TASKS_PATH = "/v1/images/multi-image2image"

_CLOCK_SECONDS = 30
"""The largest difference of clocks at which the API accepts a token."""

_RELEASE_SECONDS = 20
"""How long an ended task may take to release its slots."""

_BUCKETS = ("InboxBucketName", "InputsBucketName", "OutboxBucketName")


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        check: The name of the check.
        is_well: Whether the check passed.
        says: The state that was found.
        todo: The next step, if the check failed.
        section: The section of docs/runbook.md, if the check failed.
    """

    check: str
    is_well: bool
    says: str
    todo: str = ""
    section: str = ""


Check = Callable[[Installation, httpx.Client], Iterator[Finding]]


def api(installation: Installation, http: httpx.Client) -> Iterator[Finding]:
    """The API answers, refuses requests without a key, and its clock agrees with this computer's."""
    began = time.time()
    answer = http.get(installation.api_url + TASKS_PATH)
    took = time.time() - began
    code = _code(answer)
    yield Finding(
        "API",
        (answer.status_code, code) == (401, 1001),
        f"{installation.api_url} answers in {duration(took)} and refuses requests without a key"
        if answer.status_code == 401
        else f"a request without a key must get HTTP 401 and code 1001, got HTTP {answer.status_code} and code {code}",
        "read the log of the function Query",
        "api-errors",
    )
    off = _seconds_off(answer, began + took / 2)
    yield Finding(
        "clock",
        off is not None and off <= _CLOCK_SECONDS,
        "the API's answer has no Date" if off is None else f"differs from the API's clock by {duration(off)}",
        f"set this computer's clock: the API refuses tokens that are off by more than {_CLOCK_SECONDS} s",
    )


def callers(installation: Installation, http: httpx.Client) -> Iterator[Finding]:
    """There are callers, no two callers share a key, and the API accepts a caller's key."""
    entries = CallersSecret(installation).read()
    size = len(json.dumps({"callers": entries}).encode())
    names = {each["name"] for each in entries}
    access_keys = Counter(each["access_key"] for each in entries if each.get("access_key"))
    api_keys = [key for each in entries for key in each.get("api_keys", [])]
    shared = [key for key, times in (access_keys + Counter(api_keys)).items() if times > 1]
    says = f"{len(names)} caller{'s' if len(names) > 1 else ''}, {size:,} of {LARGEST_SECRET_BYTES:,} bytes"
    yield Finding(
        "callers' secret",
        bool(names) and not shared,
        f"{says}; {len(shared)} keys are there twice" if shared else says,
        "revoke one of the callers that share a key" if shared else "add a caller with kiln callers add NAME",
    )
    if api_keys:
        answer = http.get(installation.api_url + TASKS_PATH, headers={"Authorization": f"Bearer {api_keys[0]}"})
        is_accepted = (answer.status_code, _code(answer)) == (200, 0)
        found = "is accepted" if is_accepted else f"gets HTTP {answer.status_code}: {answer.text[:200]}"
        yield Finding(
            "a caller's key",
            is_accepted,
            f"{entries[0]['name']} {found}",
            "read the log of the function Query",
            "api-errors",
        )


def provider(installation: Installation, _http: httpx.Client) -> Iterator[Finding]:
    """The provider accepts the stored keys of each account. Kiln itself asks, with the client that dispatches tasks."""
    checked = operate(installation, "check-provider")
    url, accounts = checked["provider_url"], checked.get("accounts", [])
    for each in accounts if len(accounts) > 1 else [checked]:
        name = each.get("name", "")
        is_draining = " (draining)" if each.get("is_draining") else ""
        yield Finding(
            f"provider's keys of {name}" if name else "provider's keys",
            each["accepted"],
            f"{url} {'accepts them' if each['accepted'] else 'refuses them: ' + each['reason']}{is_draining}",
            f"store other keys with kiln provider-keys set {name}".rstrip(),
            "provider-account",
        )


def buckets(installation: Installation, _http: httpx.Client) -> Iterator[Finding]:
    """Every bucket exists and can be reached."""
    s3 = installation.client("s3")
    missing = []
    for output in _BUCKETS:
        name = installation.output(output)
        try:
            s3.head_bucket(Bucket=name)
        except s3.exceptions.ClientError as error:
            missing.append(f"{name}: {error.response['Error']['Code']}")
    yield Finding(
        "buckets", not missing, "; ".join(missing) or "inbox, inputs and outbox exist", "check them in the S3 console"
    )


def callback_route(installation: Installation, http: httpx.Client) -> Iterator[Finding]:
    """A forged callback reaches Kiln and is refused there with HTTP 404 and code 1203."""
    answer = http.post(f"{installation.api_url}/v1/callbacks/{'0' * 32}/forged", json={})
    code = _code(answer)
    is_well = (answer.status_code, code) == (404, 1203)
    yield Finding(
        "callback route",
        is_well,
        "a forged callback is refused"
        if is_well
        else f"a forged callback must get HTTP 404 and code 1203, got HTTP {answer.status_code} and code {code}",
        "read the log of the function Callback; until then only the timer finds results",
        "missed-callbacks",
    )


def dispatch(installation: Installation, _http: httpx.Client) -> Iterator[Finding]:
    """Dispatch is open, and no ended task holds slots."""
    now = operate(installation, "status")
    leaked = set(now["ended"])
    ends_at = time.monotonic() + _RELEASE_SECONDS
    while leaked and time.monotonic() < ends_at:
        # A task that has just ended is about to release its slots.
        time.sleep(1)
        leaked &= set(operate(installation, "status")["ended"])
    holders = len(now["running"])
    tasks = f"{holders} task{'' if holders == 1 else 's'}"
    found = f"{now['held']} of {now['slots']} held by {tasks}, {now['waiting']} waiting"
    yield Finding(
        "slots",
        not leaked,
        f"held by ended tasks: {', '.join(sorted(leaked))}" if leaked else found,
        "release them with kiln dispatch resume",
    )
    yield Finding(
        "dispatch",
        not now["paused_at"],
        f"paused since {date_and_time(now['paused_at'])}" if now["paused_at"] else "open",
        "when the reason for the pause is over, run kiln dispatch resume",
    )


def workflows(installation: Installation, _http: httpx.Client) -> Iterator[Finding]:
    """No task's workflow failed within a day."""
    client, failed = installation.client("stepfunctions"), []
    since = datetime.now(tz=UTC) - timedelta(days=1)
    for status in ("FAILED", "TIMED_OUT"):
        answer = client.list_executions(
            stateMachineArn=installation.output("StateMachineArn"), statusFilter=status, maxResults=100
        )
        failed += [each["name"] for each in answer["executions"] if each.get("stopDate", since) >= since]
    yield Finding(
        "workflows",
        not failed,
        f"{len(failed)} failed within a day: {', '.join(failed[:3])}" if failed else "none failed within a day",
        f"see its history with kiln task show {_task_id(failed[0])}" if failed else "",
        "workflow-broken",
    )


def unhandled(installation: Installation, _http: httpx.Client) -> Iterator[Finding]:
    """The dead-letter queues are empty."""
    for check, output, section in (
        ("inbox's dead letters", "InboxDeadLettersUrl", "inbox-dead-letters"),
        ("unstarted tasks", "UnstartedTasksUrl", "unstarted-tasks"),
    ):
        count = dead_letters.waiting(installation, output)
        todo = "remove the cause, then run kiln task redrive-dead-letters"
        yield Finding(check, not count, f"{count} in the queue" if count else "none", todo, section)


def alarms(installation: Installation, _http: httpx.Client) -> Iterator[Finding]:
    """No alarm of the stack is in state ALARM."""
    names = installation.resources("AWS::CloudWatch::Alarm")
    states: dict[str, Any] = {}
    if names:
        pages = installation.client("cloudwatch").get_paginator("describe_alarms")
        for page in pages.paginate(AlarmNames=list(names.values())):
            states |= {each["AlarmName"]: each for each in page["MetricAlarms"] + page.get("CompositeAlarms", [])}
    raised = {logical: states[name] for logical, name in names.items() if _is_raised(states.get(name))}
    for logical, alarm in raised.items():
        # An alarm's description ends with the address of its section of the runbook.
        says, _, section = (alarm.get("AlarmDescription") or alarm["StateReason"]).rpartition("#")
        found = says.rpartition(" ")[0] if says else section
        yield Finding(
            f"alarm {logical.removesuffix('Alarm')}",
            False,
            f"{found.rstrip(' -:')} ({alarm['StateReason']})",
            section=section if says else "",
        )
    if not raised:
        yield Finding(
            "alarms", bool(states), f"{len(states)}, none raised", "the stack must have alarms; deploy it again"
        )


CHECKS: tuple[tuple[str, Check], ...] = (
    ("API", api),
    ("callers' secret", callers),
    ("provider's keys", provider),
    ("buckets", buckets),
    ("callback route", callback_route),
    ("slots", dispatch),
    ("workflows", workflows),
    ("dead letters", unhandled),
    ("alarms", alarms),
)
"""Every check, with its name in case it breaks."""


def _is_raised(alarm: dict[str, Any] | None) -> bool:
    return alarm is not None and alarm["StateValue"] == "ALARM"


def _task_id(execution: str) -> str:
    found = executions.parse(execution)
    return found.task_id if found else execution


def _code(answer: httpx.Response) -> object:
    try:
        return answer.json().get("code")
    except (ValueError, AttributeError):
        return None


def _seconds_off(answer: httpx.Response, now: float) -> float | None:
    try:
        # The header has whole seconds.
        return max(0.0, abs(parsedate_to_datetime(answer.headers["date"]).timestamp() + 0.5 - now) - 0.5)
    except (KeyError, ValueError):
        return None
