"""Seeded mixtures of everything that can go wrong at once, and what must hold in all of them."""

from __future__ import annotations

import contextlib
import json
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

from tests.chaos.invariants import assert_at_one_account, assert_ended, assert_kept, assert_usage_counted_once
from tests.chaos.plans import ACTIONS, Plan, Point, new_marker
from tests.chaos.scenarios import IMAGES, create, public_picture
from tests.chaos.stacks import CALLERS, ChaosDeployment, client_of, inbox_caller
from tests.integration.client import TERMINAL, Client, JsonObject, picture, wait_until

_ORDER = ("submitted", "processing", "succeed", "failed")

_BROKEN = (500, 502)
"""HTTP statuses that a caller gets from a function that was broken on purpose."""

_STRIKES = 40
"""How often the faults by chance that last may strike: each task of a mixture can be hit several times in a row."""

_SERVICES = (("dynamodb",), ("s3", "urllib3.PUT"), ("stepfunctions",), ("secretsmanager",))
_REPEATED = ("Start", "Dispatch", "Callback", "Poll", "Collect", "Release", "Notify")
"""The functions that somebody calls again, as often as it takes."""

_LIES: tuple[bytes, ...] = (
    b"",
    b"{",
    b'{"task_status": "failed", "task_status_msg": "a lie"}',
    b'{"task_status": "succeed", "task_result": {"images": []}}',
    b'{"id": "1", "status": "succeeded", "outputs": [], "message": "", "create_time": 1, "update_time": 2}',
)


_FIRST_SEED = int(os.environ.get("KILN_CHAOS_SEED", "20260"))
SEEDS = range(_FIRST_SEED, _FIRST_SEED + int(os.environ.get("KILN_CHAOS_MIXTURES", "60")))

TASKS = 6


@dataclass(frozen=True)
class Mixture:
    """The faults of one run.

    Attributes:
        seed: Reproduces the mixture.
        first: The provider's faults while tasks are accepted.
        then: Its faults from then on; whatever would last for ever is not among them.
        channels: By which each task comes: ``api``, ``drop`` or ``event``.
        plans: What breaks on each task's way, inside of Kiln.
        mischief: The forged callbacks and notifications.
        throttled: The AWS services that refuse some calls once the tasks are accepted.
        throttle_rate: How many of them.
    """

    seed: int
    first: dict[str, Any]
    then: dict[str, Any]
    channels: tuple[str, ...]
    plans: tuple[tuple[Plan, ...], ...]
    mischief: frozenset[str]
    throttled: tuple[str, ...]
    throttle_rate: float

    def __str__(self) -> str:
        struck = [str(plan) for plans in self.plans for plan in plans]
        return (
            f"seed {self.seed}: {self.first} then {self.then}; {self.channels}; {struck}; {sorted(self.mischief)}; "
            f"{self.throttled} at {self.throttle_rate}"
        )

    def has_fault(self, name: str) -> bool:
        """Whether the provider, or one of its accounts, has a fault at any time."""
        each = [faults for phase in (self.first, self.then) for faults in (phase, *phase.get("accounts", {}).values())]
        return any(name in faults for faults in each)


@dataclass
class _Run:
    """One task of a mixture under way."""

    channel: str
    marker: str
    client: Client
    task_id: str = ""
    seen: list[JsonObject] = field(default_factory=list)


def assert_mixture_breaks_nothing(
    kiln: ChaosDeployment, points: Sequence[Point], seed: int, *, accounts: Sequence[str] = ()
) -> None:
    """Runs the mixture of a seed; afterwards nothing is held, dead-lettered or counted twice."""
    mixture = draw(seed, points, tasks=TASKS, accounts=accounts)
    print(mixture)  # noqa: T201 - shown beside a failure
    ended = run(kiln, mixture)
    assert sum(ended.values()) == TASKS
    assert not kiln.holders()
    assert kiln.dead_letters() == 0
    assert_usage_counted_once(kiln)


def draw(seed: int, points: Sequence[Point], *, tasks: int, accounts: Sequence[str] = ()) -> Mixture:
    """Makes the mixture of a seed.

    Args:
        seed: Reproduces it.
        points: Where it may break Kiln from within.
        tasks: How many there are.
        accounts: The provider accounts that may have separate faults.
    """
    dice = random.Random(seed)
    channels = tuple(dice.choice(("api", "api", "drop", "event")) for _ in range(tasks))
    first, then = _faults(dice, seed, lasting=True), _faults(dice, seed, lasting=False)
    if accounts:
        # A fault of all accounts would hide those of each.
        first, then = (_by_account(dice, seed, accounts, lasting=lasting) for lasting in (True, False))
    return Mixture(
        seed=seed,
        first=first,
        then=then,
        channels=channels,
        plans=tuple(_plans(dice, points) for _ in channels),
        mischief=frozenset(each for each in ("lies", "forgeries", "repeated notifications") if dice.random() < 0.5),
        throttled=tuple(name for names in _SERVICES if dice.random() < 0.3 for name in names),
        throttle_rate=dice.choice((0.05, 0.1)),
    )


def run(kiln: ChaosDeployment, mixture: Mixture) -> dict[str, int]:
    """Runs a mixture and checks what must hold.

    Returns:
        How many tasks have ended with each status.
    """
    ended = dict.fromkeys(TERMINAL, 0)
    with contextlib.ExitStack() as open_things:
        kiln.set_faults(**mixture.first)
        runs = [
            _Run(channel, new_marker(), open_things.enter_context(client_of(kiln, _caller(kiln, channel, number))))
            for number, channel in enumerate(mixture.channels)
        ]
        for each, plans in zip(runs, mixture.plans, strict=True):
            for plan in plans:
                kiln.injector.arm(each.marker, plan)
            _begin(kiln, each)
            if "repeated notifications" in mixture.mischief and each.channel == "drop":
                _announce_again(kiln, each.marker)
        for each in runs:
            each.task_id = each.task_id or _accepted(kiln, each)
            _mischief(kiln, each.task_id, mixture.mischief)
        kiln.set_faults(**mixture.then)
        open_things.enter_context(kiln.injector.throttling(mixture.throttled, _REPEATED, mixture.throttle_rate))
        wait_until(lambda: _all_ended(kiln, runs), "all tasks have ended", timeout=900)
        for each in runs:
            _mischief(kiln, each.task_id, mixture.mischief)
            ended[_check(kiln, each, runs, may_fail=mixture.has_fault("fail_tasks"))] += 1
        kiln.set_faults()
        for each in runs:
            assert_at_one_account(kiln, each.task_id)
    return ended


def _faults(dice: random.Random, seed: int, *, lasting: bool) -> dict[str, Any]:
    """Some of the provider's faults; what would keep a task from ever ending only where it does not last."""
    ways: dict[str, Any] = {
        "drop_callbacks": True,
        "duplicate_callbacks": True,
        "delay_callbacks_s": dice.choice((0.2, 1.0, 3.0)),
        "shuffle_callbacks_s": dice.choice((0.3, 2.0)),
        "hang_s": dice.choice((0.1, 0.5)),
        "task_seconds": dice.choice((0, 0.2, 1.5)),
        "throttle_rate": dice.choice((0.2, 0.5)),
        "error_rate": dice.choice((0.2, 0.5)),
        "garbage_rate": dice.choice((0.2, 0.4)),
        "reset_rate": dice.choice((0.2, 0.4)),
        "wrong_types": dice.choice((0.5, 1.0)),
        # All that Kiln can make good; the token's own 5 s are passed in both directions.
        "clock_skew_s": dice.choice((-280.0, -30.0, -4.0, 60.0, 1_500.0)),
        "create_then_error": dice.choice((0.5, 1.0)),
        "fail_tasks": dice.choice((0.3, 1.0)),
        "truncate_images": dice.choice((0.3, 0.6)),
        "image_errors": dice.choice((0.3, 0.6)),
        "first_image_try_fails": True,
        "not_images": dice.choice((0.3, 0.6)),
        "expired_links": dice.choice((0.3, 0.6)),
        "slow_images_bps": 60_000,
        "max_slots": dice.choice((2, 4)),
    }
    if lasting:
        ways |= {
            "account_error": dice.choice((1100, 1101, 1102)),
            "throttle_rate": 1.0,
            "error_rate": 1.0,
            # Beyond what can be made good, either way: the tasks wait until the clock is right.
            "clock_skew_s": dice.choice((-400.0, -30.0, 60.0, 2_000.0)),
        }
    names = dice.sample(sorted(ways), dice.randint(1, 5))
    # The provider's own dice are thrown from the same seed: what strikes by chance strikes again.
    faults = {name: ways[name] for name in names} | {"seed": seed}
    # Several kinds at once and without end could keep a task for longer than a test can wait.
    return faults if lasting else faults | {"at_most": _STRIKES}


def _by_account(dice: random.Random, seed: int, accounts: Sequence[str], *, lasting: bool) -> dict[str, Any]:
    """Faults of some accounts; at first, one of them may be refused."""
    faults = {name: _faults(dice, seed, lasting=lasting) for name in accounts if dice.random() < 0.7}
    if lasting and dice.random() < 0.6:
        faults[dice.choice(accounts)] = {"account_error": dice.choice((1000, 1102, 1304))}
    return {"accounts": faults}


def _plans(dice: random.Random, points: Sequence[Point]) -> tuple[Plan, ...]:
    return tuple(Plan(dice.choice(points), dice.choice(ACTIONS)) for _ in range(dice.choice((0, 1, 1, 2))))


def _caller(kiln: ChaosDeployment, channel: str, number: int) -> Any:
    return inbox_caller(kiln) if channel == "drop" else CALLERS[number % len(CALLERS)]


def _begin(kiln: ChaosDeployment, run: _Run) -> None:
    if run.channel == "api":
        run.task_id = create(run.client, run.marker, n=IMAGES)
    elif run.channel == "drop":
        body = {"prompt": run.marker, "subject_image_list": [{"subject_image": "cat.png"}], "n": IMAGES}
        files: list[tuple[str, bytes | JsonObject]] = [("job.json", body), ("cat.png", picture())]
        for name, content in files:
            kiln.drop(f"{run.marker}/{name}", content)
    else:
        subjects = [{"subject_image": public_picture(kiln)}]
        detail = {"data": {"prompt": run.marker, "n": IMAGES, "subject_image_list": subjects}}
        kiln.request(detail)


def _accepted(kiln: ChaosDeployment, run: _Run) -> str:
    return wait_until(lambda: kiln.task_of(run.marker), f"the {run.channel} {run.marker} has become a task")


def _announce_again(kiln: ChaosDeployment, folder: str) -> None:
    """S3 tells at least once, and in no order."""
    bucket = {"name": kiln.here["inbox_bucket"]}
    for name in ("cat.png", "job.json", "cat.png"):
        record = {"s3": {"bucket": bucket, "object": {"key": quote_plus(f"{folder}/{name}", safe="/")}}}
        kiln.aws.sqs.send_message(QueueUrl=kiln.resource("InboxQueue"), MessageBody=json.dumps({"Records": [record]}))


def _mischief(kiln: ChaosDeployment, task_id: str, kinds: frozenset[str]) -> None:
    link = kiln.callback_link(task_id)
    if "lies" in kinds:
        # With the right token, from a third party that has seen it: early, late, and full of lies.
        for lie in _LIES:
            assert kiln.http.post(link, content=lie).status_code in (200, *_BROKEN)
    if "forgeries" in kinds:
        head, token = link.rsplit("/", 1)
        for forged in (token[::-1], "x" * len(token)):
            assert kiln.http.post(f"{head}/{forged}", content=_LIES[2]).status_code in (404, *_BROKEN)


def _all_ended(kiln: ChaosDeployment, runs: Sequence[_Run]) -> bool:
    """Looks at every task, and keeps what was seen."""
    for each in runs:
        item = kiln.item(each.task_id)
        each.seen.append({"task_status": item["task_status"], "updated_at": int(item["updated_at"])})
    return all(each.seen[-1]["task_status"] in TERMINAL for each in runs)


def _check(kiln: ChaosDeployment, run: _Run, runs: Sequence[_Run], *, may_fail: bool) -> str:
    ranks = [min(_ORDER.index(each["task_status"]), 2) for each in run.seen]
    assert ranks == sorted(ranks), f"{run.task_id} went backwards: {run.seen}"
    times = [each["updated_at"] for each in run.seen]
    assert times == sorted(times), f"{run.task_id}'s time went backwards: {run.seen}"
    _assert_unseen_by_others(run, runs)
    status: str = run.seen[-1]["task_status"]
    assert status == "succeed" or may_fail, kiln.item(run.task_id)["task_status_msg"]
    if run.channel == "event":
        assert kiln.generations(run.task_id) == 1
        kiln.wait_for_end(run.task_id)
    elif status == "succeed":
        assert_kept(kiln, run.client, run.task_id, n=IMAGES)
    else:
        assert kiln.generations(run.task_id) == 1
        assert_ended(kiln, run.client.get(run.task_id))
    if run.channel == "drop":
        assert kiln.result(run.marker, code=0)["data"]["task_status"] == status
    return status


def _assert_unseen_by_others(run: _Run, runs: Sequence[_Run]) -> None:
    for other in runs:
        is_own = other.client.caller.name == run.client.caller.name and run.channel != "event"
        answer = other.client.send("GET", f"/v1/images/multi-image2image/{run.task_id}")
        assert answer.status_code == (200 if is_own else 404), answer.text
        listed: Iterator[str] = (each["task_id"] for each in other.client.list(pageSize=500))
        assert (run.task_id in set(listed)) == is_own
