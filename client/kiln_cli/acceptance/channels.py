"""Checks of the other ways in: a folder in the inbox bucket, and a request on the bus. Each costs an image."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

from kiln_cli.acceptance.bus import Subscriber
from kiln_cli.acceptance.findings import Finding, row, skipped
from kiln_cli.acceptance.trial import Trial, all_of


def drop(trial: Trial) -> Iterator[Finding]:
    """A folder with job.json becomes a task; result.json and the image arrive in the outbox."""
    if not trial.can_spend(1):
        yield skipped("drop", "a folder in the inbox", "needs 1 more image (--budget)")
        return
    s3: Any = trial.installation.client("s3")
    inbox, outbox = (trial.installation.output(f"{each}BucketName") for each in ("Inbox", "Outbox"))
    folder = trial.mark
    trial.undo.callback(remove_folder, s3, inbox, f"{folder}/")
    trial.undo.callback(remove_folder, s3, outbox, f"{folder}/")
    job = {"prompt": trial.prompt, "subject_image_list": [{"subject_image": "subject.png"}]}
    s3.put_object(Bucket=inbox, Key=f"{folder}/subject.png", Body=base64.b64decode(trial.image))
    s3.put_object(Bucket=inbox, Key=f"{folder}/job.json", Body=json.dumps(job).encode())
    result = trial.wait(lambda: _read(s3, outbox, f"{folder}/result.json")) or {}
    task = result.get("data") or {}
    if "task_id" in task:
        # The previews of a drop are not in its folder.
        trial.undo.callback(remove_folder, s3, outbox, f"tasks/{task['task_id']}/")
    yield row("drop", "result.json", "succeed", task.get("task_status", result.get("message", "none")))
    images = [each["key"] for each in (task.get("task_result") or {}).get("images", [])]
    sizes = [s3.head_object(Bucket=outbox, Key=key)["ContentLength"] for key in images]
    yield row("drop", "the image is in the outbox", "1 image", f"{len(sizes)} image", is_well=sizes[:1] > [0])


def event(trial: Trial, subscriber: Subscriber, image_url: str) -> Iterator[Finding]:
    """An Image Task Requested event becomes a task; its events arrive on the bus."""
    check = "a request on the bus"
    sources = [each for each in trial.installation.parameters.get("RequestSources", "").split(",") if each]
    if not sources or not image_url:
        yield skipped("event", check, "needs a source in RequestSources, and an image of the task before")
        return
    if not trial.can_spend(1):
        yield skipped("event", check, "needs 1 more image (--budget)")
        return
    external_id = f"{trial.mark}-event"
    request = {
        "prompt": trial.prompt,
        "external_task_id": external_id,
        "subject_image_list": [{"subject_image": image_url}],
    }
    entry = {
        "EventBusName": trial.installation.output("EventBusName"),
        "Source": sources[0],
        "DetailType": "Image Task Requested",
        "Detail": json.dumps({"data": request}),
    }
    answer = trial.installation.client("events").put_events(Entries=[entry])
    yield row("event", check, 0, answer["FailedEntryCount"])
    task_id = subscriber.task_of(external_id)
    yield row("event", "becomes a task", True, bool(task_id))
    if task_id:
        trial.tasks.append(task_id)
        trial.wait(lambda: "Image Task Succeeded" in subscriber.kinds_of(task_id))
        kinds = subscriber.kinds_of(task_id)
        yield row("event", "which ends", "Image Task Succeeded", kinds, is_well="Image Task Succeeded" in kinds)


def remove_folder(s3: Any, bucket: str, prefix: str) -> None:
    """Removes every version of every object under a prefix."""
    for kind in ("Versions", "DeleteMarkers"):
        for each in list(all_of(s3, "list_object_versions", kind, Bucket=bucket, Prefix=prefix)):
            s3.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])


def _read(s3: Any, bucket: str, key: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except s3.exceptions.ClientError:
        return None
    return found
