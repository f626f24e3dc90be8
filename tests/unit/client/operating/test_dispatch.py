"""``kiln dispatch``: the status in words, and draining with its timeout."""

from __future__ import annotations

import pytest

from kiln_cli.operating import dispatch
from kiln_cli.operating.moments import clock_time, date_and_time, duration
from tests.support.operating import STATUS
from tests.unit.client.operating.conftest import Operate, Run

BUSY = {**STATUS, "paused_at": 1, "held": 3, "running": ["a", "b"]}


def test_idle_dispatch_shows_free_slots(kiln: Run, operate: Operate) -> None:
    operate.will("status", STATUS)
    assert kiln("dispatch", "status").out.splitlines() == [
        "dispatch  open",
        "slots     0 of 9 held by 0 tasks, 9 free",
        "queue     0 waiting",
    ]
    assert kiln("dispatch", "status", "--json").json == STATUS


def test_busy_dispatch_shows_every_line() -> None:
    said = dispatch.lines(
        BUSY
        | {"throttled": 2, "reserved": 1, "ended": ["b"], "waiting": 1_000, "next_task_id": "c", "next_since": 1_000}
    )
    assert said[0].startswith("dispatch  paused for")
    assert said[0].endswith("since 1970-01-01 00:00:00 UTC")
    assert said[1].startswith("slots     3 of 9 held by 2 tasks, 3 free, 2 throttled")
    assert said[1].endswith("1 reserved for the next task")
    assert said[2] == "queue     1,000 or more waiting"
    assert said[3].startswith("next      c, accepted ")
    assert said[4:] == ["running   a", "ended     b: about to release its slots, or they leaked"]


def test_closed_gate_has_a_line() -> None:
    said = dispatch.lines(STATUS | {"closed_since": 1, "closed_because": "the provider has been away since noon"})
    assert said[3] == "provider  one task probes: the provider has been away since noon"


def test_several_accounts_have_a_line_each() -> None:
    idle = {"slots": 9, "held": 0, "throttled": 0, "reserved": 0, "closed_since": 0}
    accounts = [
        {"name": "a", **idle, "held": 3, "throttled": 2, "reserved": 1},
        {"name": "b", **idle, "slots": {"kling-v2": 4}, "held": 1, "is_draining": True},
        {"name": "c", **idle, "closed_since": 1},
    ]
    said = dispatch.lines({**STATUS, "accounts": accounts})
    assert said[3:5] == [
        "account   a: 3 of 9 held, 3 free, 2 throttled, 1 reserved",
        "account   b: 1 held, slots: 4 for kling-v2, draining",
    ]
    assert said[5].startswith("account   c: 0 of 9 held, 9 free, closed for ")
    assert said[5].endswith(": the provider refuses it")


def test_only_account_has_a_line_while_it_is_closed() -> None:
    account = {"name": "default", "slots": 9, "held": 0, "throttled": 0, "reserved": 0, "closed_since": None}
    assert len(dispatch.lines({**STATUS, "accounts": [account]})) == 3
    assert len(dispatch.lines({**STATUS, "accounts": [account | {"closed_since": 1}]})) == 4


@pytest.mark.parametrize("operation", ["pause", "resume"])
def test_pause_and_resume_run_their_operation(kiln: Run, operate: Operate, operation: str) -> None:
    operate.will(operation, STATUS)
    assert kiln("dispatch", operation).status == 0
    assert operate.events == [{"operation": operation}]


def test_drain_waits_until_no_task_runs(kiln: Run, operate: Operate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_PAUSE_SECONDS", 0.0)
    operate.will("pause", BUSY)
    operate.will("status", {**BUSY, "held": 1, "running": ["a"]}, {**STATUS, "paused_at": 1})
    drained = kiln("dispatch", "drain", "--json")
    assert (drained.status, drained.json["held"]) == (0, 0)
    assert [each["operation"] for each in operate.events] == ["pause", "status", "status"]


def test_drain_beyond_the_timeout_lists_running_tasks(kiln: Run, operate: Operate) -> None:
    operate.will("pause", BUSY)
    late = kiln("dispatch", "drain", "--timeout", "0")
    assert late.status == 124
    assert "2 tasks still running: a, b; dispatch stays paused until you run kiln dispatch resume" in late.err


def test_interrupted_drain_says_dispatch_stays_paused(
    kiln: Run, operate: Operate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupted)
    operate.will("pause", BUSY)
    stopped = kiln("dispatch", "drain")
    assert (stopped.status, stopped.err) == (
        130,
        "kiln: interrupted; dispatch stays paused until you run kiln dispatch resume\n",
    )


def test_one_task_is_written_in_the_singular() -> None:
    assert dispatch.lines(BUSY | {"running": ["a"]})[1].startswith("slots     3 of 9 held by 1 task,")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.85, "850 ms"),
        (-1, "0 ms"),
        (12.34, "12.3 s"),
        (60, "1 min"),
        (245, "4 min 5 s"),
        (7_800, "2 h 10 min"),
        (7_200, "2 h"),
        (273_600, "3 d 4 h"),
        (86_400, "1 d"),
    ],
)
def test_duration_has_at_most_two_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_moments_are_written_in_utc() -> None:
    assert clock_time(1_722_769_557_708) == "11:05:57.708"
    assert date_and_time(1_722_769_557_708) == "2024-08-04 11:05:57 UTC"
