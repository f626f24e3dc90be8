"""Archive and replay: who missed events gets them again, each with its own id. The archive is made by a call."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tests.integration.client import Client, wait_until
from tests.integration.driver import Deployment

SUBMITTED, ENDED = "Image Task Submitted", "Image Task Succeeded"


def test_replayed_events_keep_their_ids(kiln: Deployment, client: Client) -> None:
    events = kiln.aws.events
    bus = events.describe_event_bus(Name=kiln.here["event_bus"])["Arn"]
    name = f"archive-{uuid4().hex[:12]}"
    pattern = json.dumps({"source": ["kiln"]})
    archive = events.create_archive(ArchiveName=name, EventSourceArn=bus, EventPattern=pattern)["ArchiveArn"]
    began = datetime.now(tz=UTC) - timedelta(seconds=1)
    task_id = client.create()
    client.wait_for(task_id)
    kiln.wait_for_end(task_id)
    wait_until(lambda: _kinds(kiln, task_id) >= {SUBMITTED, ENDED}, "its events have come")
    first = _ids(kiln, task_id)
    now = datetime.now(tz=UTC) + timedelta(seconds=1)
    events.start_replay(
        ReplayName=name, EventSourceArn=archive, EventStartTime=began, EventEndTime=now, Destination={"Arn": bus}
    )
    wait_until(lambda: len(_ids(kiln, task_id)) >= 2 * len(first), "they have come again")
    assert sorted(_ids(kiln, task_id)) == sorted(first * 2)


def _kinds(kiln: Deployment, task_id: str) -> set[str]:
    return {event["detail-type"] for event in kiln.events(task_id)}


def _ids(kiln: Deployment, task_id: str) -> list[str]:
    return [event["detail"]["metadata"]["event_id"] for event in kiln.events(task_id)]
