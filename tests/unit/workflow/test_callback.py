"""The callback: a holder of a task's callback URL may wake its workflow, and can do nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from kiln import links
from kiln.contract import TaskStatus
from kiln.errors import BodyTooLarge, ResourceNotFound
from kiln.links import callback_link
from kiln.tasks.store import TaskStore
from kiln.workflow.callback import BODY_BYTES, wake_for_callback
from tests.support.account import put_secret
from tests.support.samples import add_task
from tests.support.workflow import park


@pytest.fixture(autouse=True)
def _a_task(cloud, executions) -> None:
    add_task()


BODY = b'{"task_id": "829", "task_status": "succeed"}'
SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="


def token(task_id: str = "task-1") -> str:
    return callback_link("", task_id).rpartition("/")[2]


def test_callback_address_of_a_task_wakes_it(executions):
    park()
    assert wake_for_callback("task-1", token(), BODY, {}) is True
    assert executions.succeeded == ["the-token"]
    assert TaskStore().get("task-1").task_status is TaskStatus.SUBMITTED


def test_repeated_callbacks_change_nothing(executions):
    assert [wake_for_callback("task-1", token(), BODY, {}) for _ in range(3)] == [False, False, False]
    assert executions.succeeded == []


@pytest.mark.parametrize("forged", ["", "x", "A" * 32, "猫"])
def test_forged_token_is_not_found(forged):
    with pytest.raises(ResourceNotFound):
        wake_for_callback("task-1", forged, BODY, {})
    assert TaskStore().get("task-1").wake_requested_at is None


@pytest.mark.parametrize("address", ["its own", "forged"])
def test_too_large_body_is_refused_alike_with_any_token(executions, address):
    presented = token() if address == "its own" else "forged"
    with pytest.raises(BodyTooLarge, match=f"body: must be at most {BODY_BYTES} bytes, got {BODY_BYTES + 1}"):
        wake_for_callback("task-1", presented, b"x" * (BODY_BYTES + 1), {})
    assert executions.succeeded == []


def test_token_of_another_task_or_a_result_link_is_not_found():
    add_task("task-2")
    for other in (token("task-2"), links._token("result", "task-1"), links._token("result", "task-1", "0")):
        with pytest.raises(ResourceNotFound):
            wake_for_callback("task-1", other, BODY, {})


@pytest.fixture
def signing_account() -> None:
    """The provider's account has a webhook secret: what it sends is signed."""
    put_secret("kiln-provider", {"api_key": "k", "webhook_secret": SECRET})


def signed(body: bytes, secret: str = SECRET, seconds_ago: int = 0) -> dict[str, str]:
    moment = datetime.now(tz=UTC) - timedelta(seconds=seconds_ago)
    signature = Webhook(secret).sign("9876543210", moment, body.decode())
    return {
        "Webhook-Id": "9876543210",
        "Webhook-Timestamp": str(int(moment.timestamp())),
        "Webhook-Signature": signature,
    }


@pytest.mark.usefixtures("signing_account")
def test_signed_callback_wakes_the_task(executions):
    park()
    assert wake_for_callback("task-1", token(), BODY, signed(BODY)) is True


@pytest.mark.usefixtures("signing_account")
def test_one_valid_signature_of_several_wakes_the_task():
    headers = signed(BODY)
    headers["Webhook-Signature"] = f"v1,AAAA {headers['Webhook-Signature']}"
    assert wake_for_callback("task-1", token(), BODY, headers) is False
    assert TaskStore().get("task-1").wake_requested_at is not None


@pytest.mark.usefixtures("signing_account")
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY, {}),
        (BODY, signed(b"another body")),
        (BODY, signed(BODY, "whsec_YW5vdGhlcnNlY3JldGFub3RoZXJzZWNyZXQxMjM0NTY=")),
        (BODY, signed(BODY, seconds_ago=600)),
        (BODY, signed(BODY, seconds_ago=-86_400)),
        (BODY, {**signed(BODY), "Webhook-Signature": "garbage"}),
        (BODY, {**signed(BODY), "Webhook-Signature": "v1"}),
        (BODY, {**signed(BODY), "Webhook-Timestamp": "soon"}),
        (b"\xff\xfe", signed(BODY)),
    ],
    ids=["none", "body", "secret", "old", "early", "garbage", "half", "timestamp", "not UTF-8"],
)
def test_missing_or_wrong_signature_is_not_found(body, headers):
    with pytest.raises(ResourceNotFound):
        wake_for_callback("task-1", token(), body, headers)
    assert TaskStore().get("task-1").wake_requested_at is None


OTHER_SECRET = "whsec_YW5vdGhlcnNlY3JldGFub3RoZXJzZWNyZXQxMjM0NTY="


def put_accounts(*webhook_secrets: str) -> None:
    entries = [
        {"name": f"account-{number}", "api_key": "k", "webhook_secret": secret}
        for number, secret in enumerate(webhook_secrets)
    ]
    put_secret("kiln-provider", {"accounts": entries})


@pytest.mark.parametrize("secret", [SECRET, OTHER_SECRET])
def test_signature_of_any_account_wakes(executions, secret):
    put_accounts(SECRET, OTHER_SECRET)
    park()
    assert wake_for_callback("task-1", token(), BODY, signed(BODY, secret)) is True


def test_signature_of_no_account_does_not_wake():
    put_accounts(SECRET, OTHER_SECRET)
    for headers in ({}, signed(BODY, "whsec_dGhpcmRzZWNyZXR0aGlyZHNlY3JldHRoaXJkc2VjcmU=")):
        with pytest.raises(ResourceNotFound):
            wake_for_callback("task-1", token(), BODY, headers)


def test_unsigned_callback_wakes_while_one_account_does_not_sign(executions):
    put_accounts(SECRET, "")
    park()
    assert wake_for_callback("task-1", token(), BODY, {}) is True


def test_a_task_that_is_gone_reads_the_same_as_a_forged_token():
    with pytest.raises(ResourceNotFound) as gone:
        wake_for_callback("task-gone", token("task-gone"), BODY, {})
    with pytest.raises(ResourceNotFound) as forged:
        wake_for_callback("task-gone", "forged", BODY, {})
    assert gone.value.message == forged.value.message


@pytest.mark.parametrize(
    ("task_status", "reported", "is_woken"),
    [
        ("submitted", "submitted", False),
        ("processing", "submitted", False),
        ("submitted", "processing", True),
        ("processing", "processing", False),
        ("processing", "succeed", True),
        ("submitted", "failed", True),
        ("submitted", "of a later version", True),
    ],
)
def test_callback_that_is_no_news_wakes_nothing(executions, task_status, reported, is_woken):
    if task_status == "processing":
        TaskStore().process(TaskStore().get("task-1"))
    park()
    body = json.dumps({"task_id": "829", "task_status": reported}).encode()
    assert wake_for_callback("task-1", token(), body, {}) is is_woken
    assert (TaskStore().get("task-1").wake_requested_at is not None) is is_woken


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"task_status": 7}', b"\xff", b"[" * 100_000])
def test_callback_that_cannot_be_read_wakes(executions, body):
    park()
    assert wake_for_callback("task-1", token(), body, {}) is True
