"""What ``kiln doctor`` looks at, one function a question: each says what it found, and where the runbook goes on."""

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

from kiln_cli.installation import Installation
from kiln_cli.operating import dead_letters
from kiln_cli.operating.callers_secret import LARGEST_SECRET_BYTES, CallersSecret
from kiln_cli.operating.moments import date_and_time, duration

TASKS_PATH = "/v1/images/multi-image2image"

_CLOCK_SECONDS = 30
"""How far a caller's clock may be off before its tokens are refused."""

_LEAVING_SECONDS = 20
_BUCKETS = ("InboxBucketName", "InputsBucketName", "OutboxBucketName")


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        check: What was looked at.
        is_well: Whether it is as it should be.
        says: What was found.
        todo: What to do, where it is not well.
        section: Of docs/runbook.md.
    """

    check: str
    is_well: bool
    says: str
    todo: str = ""
    section: str = ""


Check = Callable[[Installation, httpx.Client], Iterator[Finding]]


def api(installation: Installation, http: httpx.Client) -> Iterator[Finding]:
    """The API answers, lets nobody in without a key, and its clock and ours agree."""
    began = time.time()
    answer = http.get(installation.api_url + TASKS_PATH)
    took = time.time() - began
    code = _code(answer)
    yield Finding(
        "API",
        (answer.status_code, code) == (401, 1001),
        f"{installation.api_url} answers in {duration(took)} and lets nobody in without a key"
        if answer.status_code == 401
        else f"HTTP {answer.status_code}, code {code}, to a request without a key: 401 and 1001 are right",
        "look into the function Query's log",
        "api-errors",
    )
    off = _seconds_off(answer, began + took / 2)
    yield Finding(
        "clock",
        off is not None and off <= _CLOCK_SECONDS,
        "the API's answer has no Date" if off is None else f"this computer's and the API's differ by {duration(off)}",
        f"set this computer's clock: tokens that are off by more than {_CLOCK_SECONDS} s are refused",
    )


def callers(installation: Installation, http: httpx.Client) -> Iterator[Finding]:
    """Somebody may call, no two callers share a key, and a caller's key is taken."""
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
        f"{says}; {len(shared)} keys are listed twice" if shared else says,
        "revoke one of those who share a key" if shared else "kiln callers add NAME",
    )
    if api_keys:
        answer = http.get(installation.api_url + TASKS_PATH, headers={"Authorization": f"Bearer {api_keys[0]}"})
        is_taken = (answer.status_code, _code(answer)) == (200, 0)
        found = "is let in" if is_taken else f"gets HTTP {answer.status_code}: {answer.text[:200]}"
        yield Finding("a caller's key", is_taken, f"{entries[0]['name']} {found}", "look into the log", "api-errors")


def provider(installation: Installation, _http: httpx.Client) -> Iterator[Finding]:
    """The provider takes the keys in its secret; Kiln itself asks, with the client that tasks are dispatched with."""
    checked = installation.operate("check-provider")
    yield Finding(
        "provider's keys",
        checked["accepted"],
        f"{checked['provider_url']} {'takes them' if checked['accepted'] else 'does not: ' + checked['reason']}",
        "kiln provider-keys set",
        "provider-account",
    )


def buckets(installation: Installation, _http: httpx.Client) -> Iterator[Finding]:
    """Every bucket is there and can be reached."""
    s3 = installation.client("s3")
    gone = []
    for output in _BUCKETS:
        name = installation.output(output)
        try:
            s3.head_bucket(Bucket=name)
        except s3.exceptions.ClientError as error:
            gone.append(f"{name}: {error.response['Error']['Code']}")
    yield Finding(
        "buckets", not gone, "; ".join(gone) or "inbox, inputs and outbox are there", "look at them in the S3 console"
    )


def callback_route(installation: Installation, http: httpx.Client) -> Iterator[Finding]:
    """A forged callback gets to Kiln and is refused there, as documented: 404 and code 1203."""
    answer = http.post(f"{installation.api_url}/v1/callbacks/{'0' * 32}/forged", json={})
    code = _code(answer)
    is_well = (answer.status_code, code) == (404, 1203)
    yield Finding(
        "callback route",
        is_well,
        "a forged callback is refused" if is_well else f"a forged callback gets HTTP {answer.status_code}, code {code}",
        "without it tasks are found by the timer only; look into the function Callback's log",
        "missed-callbacks",
    )


def line(installation: Installation, _http: httpx.Client) -> Iterator[Finding]:
    """Dispatch is open, and no task that has ended holds slots."""
    now = installation.operate("status")
    leaked = set(now["ended"])
    ends_at = time.monotonic() + _LEAVING_SECONDS
    while leaked and time.monotonic() < ends_at:
        # Who has just ended is on its way out.
        time.sleep(1)
        leaked &= set(installation.operate("status")["ended"])
    said = f"{now['held']} of {now['slots']} held by {len(now['running'])} tasks, {now['waiting']} waiting"
    yield Finding(
        "slots",
        not leaked,
        f"held by tasks that have ended: {', '.join(sorted(leaked))}" if leaked else said,
        "kiln dispatch resume takes them back",
    )
    yield Finding(
        "dispatch",
        not now["paused_at"],
        f"paused since {date_and_time(now['paused_at'])}" if now["paused_at"] else "open",
        "kiln dispatch resume, when whoever paused it is done",
    )


def workflows(installation: Installation, _http: httpx.Client) -> Iterator[Finding]:
    """No task's workflow broke within a day."""
    client, broken = installation.client("stepfunctions"), []
    since = datetime.now(tz=UTC) - timedelta(days=1)
    for status in ("FAILED", "TIMED_OUT"):
        answer = client.list_executions(
            stateMachineArn=installation.output("StateMachineArn"), statusFilter=status, maxResults=100
        )
        broken += [each["name"] for each in answer["executions"] if each.get("stopDate", since) >= since]
    yield Finding(
        "workflows",
        not broken,
        f"{len(broken)} broke within a day: {', '.join(broken[:3])}" if broken else "none broke within a day",
        f"kiln task show {broken[0].partition('-')[0].partition('_')[0]}" if broken else "",
        "workflow-broken",
    )


def put_aside(installation: Installation, _http: httpx.Client) -> Iterator[Finding]:
    """Nothing lies in the queues of what could not be handled."""
    for check, output, section in (
        ("inbox's dead letters", "InboxDeadLettersUrl", "inbox-dead-letters"),
        ("unstarted tasks", "UnstartedTasksUrl", "unstarted-tasks"),
    ):
        lie = dead_letters.waiting(installation, output)
        todo = "mend what they failed at, then: kiln task redrive-dead-letters"
        yield Finding(check, not lie, f"{lie} lie there" if lie else "none", todo, section)


def alarms(installation: Installation, _http: httpx.Client) -> Iterator[Finding]:
    """No alarm of the stack is raised."""
    names = installation.resources("AWS::CloudWatch::Alarm")
    states: dict[str, Any] = {}
    if names:
        pages = installation.client("cloudwatch").get_paginator("describe_alarms")
        for page in pages.paginate(AlarmNames=list(names.values())):
            states |= {each["AlarmName"]: each for each in page["MetricAlarms"] + page.get("CompositeAlarms", [])}
    raised = {logical: states[name] for logical, name in names.items() if _is_raised(states.get(name))}
    for logical, alarm in raised.items():
        # An alarm's description ends in the address of its section of the runbook.
        says, _, section = (alarm.get("AlarmDescription") or alarm["StateReason"]).rpartition("#")
        found = says.rpartition(" ")[0] if says else section
        yield Finding(
            f"alarm {logical.removesuffix('Alarm')}",
            False,
            f"{found.rstrip(' -:')} ({alarm['StateReason']})",
            section=section if says else "",
        )
    if not raised:
        yield Finding("alarms", bool(states), f"{len(states)}, none is raised", "the stack has no alarms")


CHECKS: tuple[tuple[str, Check], ...] = (
    ("API", api),
    ("callers' secret", callers),
    ("provider's keys", provider),
    ("buckets", buckets),
    ("callback route", callback_route),
    ("slots", line),
    ("workflows", workflows),
    ("put aside", put_aside),
    ("alarms", alarms),
)
"""Every check, with the name it has when it cannot be made at all."""


def _is_raised(alarm: dict[str, Any] | None) -> bool:
    return alarm is not None and alarm["StateValue"] == "ALARM"


def _code(answer: httpx.Response) -> object:
    try:
        return answer.json().get("code")
    except (ValueError, AttributeError):
        return None


def _seconds_off(answer: httpx.Response, now: float) -> float | None:
    try:
        # The header counts whole seconds.
        return max(0.0, abs(parsedate_to_datetime(answer.headers["date"]).timestamp() + 0.5 - now) - 0.5)
    except (KeyError, ValueError):
        return None
