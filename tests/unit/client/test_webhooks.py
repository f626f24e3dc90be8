"""Verification of webhooks."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from kiln_client import WebhookRefused, verify_webhook

SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
BODY = json.dumps(
    {
        "task_id": "task-1",
        "task_status": "succeed",
        "task_result": {"images": [{"index": 0, "url": "https://kiln.example/0"}]},
        "created_at": 1,
        "updated_at": 2,
    }
)


def signed(body: str = BODY, age: timedelta = timedelta()) -> dict[str, str]:
    sent = datetime.now(UTC) - age
    signature = Webhook(SECRET).sign("task-1", sent, body)
    return {"Webhook-Id": "task-1", "Webhook-Timestamp": str(int(sent.timestamp())), "Webhook-Signature": signature}


def test_signed_webhook_returns_its_task() -> None:
    task = verify_webhook(BODY.encode(), signed(), SECRET)
    assert (task.task_id, task.images[0].url) == ("task-1", "https://kiln.example/0")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(age=timedelta(minutes=6)),
        signed(body="{}"),
        signed() | {"Webhook-Signature": "v1,not base64 at all"},
        signed() | {"Webhook-Signature": "nonsense"},
    ],
    ids=["unsigned", "old", "altered", "not Base64", "no version"],
)
def test_unsigned_old_or_altered_webhook_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(WebhookRefused, match="signature is wrong"):
        verify_webhook(BODY, headers, SECRET)
