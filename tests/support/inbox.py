"""The inbox as someone who drops files sees it."""

from __future__ import annotations

import json
from typing import Any

from kiln.drops.check import check_folder
from kiln.drops.object_events import object_arrived
from kiln.drops.reader import InboxReader
from kiln.tasks.task import Task
from tests.support.functions import invoke

INBOX = "kiln-inbox"


def arrived(key: str) -> Task | None:
    """Announces an object of a folder with one job."""
    made = object_arrived(INBOX, key)
    assert len(made) <= 1
    return made[0] if made else None


def last_look(folder: str) -> Task | None:
    made = check_folder(InboxReader(), INBOX, folder)
    assert len(made) <= 1
    return made[0] if made else None


class Inbox:
    """The inbox as someone who drops files sees it."""

    def __init__(self, cloud: Any) -> None:
        self._s3 = cloud.s3
        self._sqs = cloud.sqs
        self.dynamodb = cloud.dynamodb

    def drop(self, key: str, content: bytes, **metadata: str) -> Task | None:
        """Puts an object and announces it, as S3 does."""
        self.put(key, content, **metadata)
        return arrived(key)

    def put(self, key: str, content: bytes, **metadata: str) -> None:
        self._s3.put_object(Bucket=INBOX, Key=key, Body=content, Metadata=metadata)

    def version(self, key: str) -> str:
        """The version that lies there now."""
        version: str = self._s3.head_object(Bucket=INBOX, Key=key)["VersionId"]
        return version

    def etag(self, key: str) -> str:
        """The entity tag of the present content."""
        etag: str = self._s3.head_object(Bucket=INBOX, Key=key)["ETag"]
        return etag

    def forget_answers(self) -> None:
        """Deletes everything in the outbox, as a person or a lifecycle rule may."""
        for each in self._s3.list_objects_v2(Bucket="kiln-outbox")["Contents"]:
            self._s3.delete_object(Bucket="kiln-outbox", Key=each["Key"])

    def result(self, folder: str) -> Any:
        """The content of ``result.json``."""
        try:
            answer = self._s3.get_object(Bucket="kiln-outbox", Key=f"{folder}/result.json")
        except self._s3.exceptions.NoSuchKey:
            return None
        return json.loads(answer["Body"].read())

    def names(self) -> list[str]:
        """The folders of the outbox that have a ``result.json``."""
        listed = self._s3.list_objects_v2(Bucket="kiln-outbox").get("Contents", [])
        return [each["Key"].removesuffix("/result.json") for each in listed]

    def deliver(self) -> None:
        """Delivers the messages of the inbox queue whose delay is over, until there are none."""
        while messages := self.to_check_again():
            records = [
                {"messageId": str(number), "body": json.dumps(body), "eventSource": "aws:sqs"}
                for number, body in enumerate(messages)
            ]
            assert invoke("inbox", {"Records": records}) == {"batchItemFailures": []}

    def to_check_again(self) -> list[dict[str, Any]]:
        """The messages that ask for another look, once their delay is over."""
        url = "https://sqs.us-east-1.amazonaws.com/123456789012/kiln-inbox"
        messages = self._sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in messages]
