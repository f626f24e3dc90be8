"""What is remembered of dropped folders: what each was made into, whose its answer is, and when it is checked again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kiln import clock
from kiln.settings import TableSettings, load
from kiln.tasks import items
from kiln.tasks.table import TableAccess

REFUSED = "refused"
"""Stands for a task where a folder's newest content made none."""

FOREVER = 4_102_444_800
"""The year 2100: the inbox keeps the file, so it stays known what the file was made into."""

_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Notes:
    """What is known of a folder without a look into it.

    Attributes:
        job: The name of its ``job.json``, in the case that it is written in; empty without one.
        defaults: The same of its ``defaults.json``.
        prompt: The same of its ``prompt.txt``.
        check_due: When a scheduled check is due, in milliseconds since the epoch; 0 if none was scheduled.
    """

    job: str = ""
    defaults: str = ""
    prompt: str = ""
    check_due: int = 0


@dataclass(frozen=True)
class Made:
    """What an inbox version was made into.

    Attributes:
        content: The id of the content, which is that of its first task.
        version: Of the file that asked for it.
        expires_at: When the inbox deletes that file, in seconds since the epoch; ``None`` if it does not.
        ignored: Fields and files that the task does not use; ``None`` if that is not known now.
    """

    content: str
    version: str
    expires_at: int | None = None
    ignored: tuple[str, ...] | None = None


class DropLedger(TableAccess):
    """The memory of drops, in the table of the tasks."""

    def expect(self, folder: str, newest: str, seen_at: int, *, parts: int = 0, made: Made | None = None) -> bool:
        """Notes whose a folder's ``result.json`` is to be.

        Args:
            folder: Of the outbox.
            newest: A task's, ``REFUSED``, or that of a list of jobs: its batch.
            seen_at: When the inbox was looked at, in milliseconds since the epoch: what was seen later counts.
            parts: How many jobs the list has.
            made: The content that the task was made of; remembered for as long as the inbox keeps the file.

        Returns:
            Whether no newer content has been seen there.
        """
        changes = "SET newest = :newest, seen_at = :seen_at, parts = :parts"
        values = {"newest": newest, "seen_at": seen_at, "parts": parts, "expires": _expiry()}
        if made is None:
            changes += ", expires_at = if_not_exists(expires_at, :expires)"
        else:
            changes += ", content = :content, version = :version, expires_at = :expires"
            values |= {"content": made.content, "version": made.version, "expires": _expiry_of(made)}
            if made.ignored is not None:
                changes += ", ignored = :ignored"
                values["ignored"] = list(made.ignored)
        try:
            self._update(folder, changes, values, "attribute_not_exists(seen_at) OR seen_at <= :seen_at")
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def was_made(self, folder: str, content: str, version: str) -> bool:
        """Whether a task was made of this content and this version of the file that asks for it."""
        item = self._get(folder)
        return (item.get("content"), item.get("version")) == ({"S": content}, {"S": version})

    def answer_of(self, folder: str, task_id: str) -> tuple[bool, list[str]]:
        """Whether a folder's ``result.json`` is this task's to write, and what the task ignores of the drop."""
        item = self._get(folder)
        is_newest = item.get("newest", {"S": task_id})["S"] == task_id
        return is_newest, [each["S"] for each in item.get("ignored", {}).get("L", [])] if is_newest else []

    def is_newest(self, folder: str, task_id: str) -> bool:
        """Whether a folder's ``result.json`` is this task's to write: no newer content is known."""
        return self.answer_of(folder, task_id)[0]

    def list_of(self, folder: str) -> tuple[str, int] | None:
        """The batch of the list whose jobs a folder's ``result.json`` is to hold together, and how many they are.

        A folder with other content has a batch of no jobs; an unknown folder has none.
        """
        item = self._get(folder)
        return (item["newest"]["S"], int(item.get("parts", {}).get("N", "0"))) if "newest" in item else None

    def end_part(self, batch: str, part: int, parts: int) -> bool:
        """Notes that one of several jobs has its ``result.json``.

        Returns:
            Whether all of them have.
        """
        answer = self._client.update_item(
            TableName=self._table,
            Key=items.drop_key(batch),
            UpdateExpression="SET expires_at = :expires ADD ended :part",
            ExpressionAttributeValues={":part": {"NS": [str(part)]}, **items.values(expires=_expiry())},
            ReturnValues="ALL_NEW",
        )
        return len(answer["Attributes"]["ended"]["NS"]) >= parts

    def notes(self, folder: str) -> Notes:
        """What is known of a folder without a look into it."""
        item = self._get(folder)
        due = int(item.get("check_due", {}).get("N", "0"))
        job, defaults, prompt = (item.get(name, {}).get("S", "") for name in ("job", "defaults", "prompt"))
        return Notes(job, defaults, prompt, due)

    def note(self, folder: str, **names: str) -> None:
        """Records the names of a folder's job files (``job``, ``defaults``, ``prompt``)."""
        self._set(folder, names)

    def check_scheduled(self, folder: str, due: int) -> None:
        """Records that a check of a folder is due at a moment (milliseconds since the epoch)."""
        self._set(folder, {"check_due": due})

    def _set(self, folder: str, changed: dict[str, Any]) -> None:
        changes = ", ".join(f"{name} = :{name}" for name in changed)
        changes = f"SET {changes}, expires_at = if_not_exists(expires_at, :expires)"
        self._update(folder, changes, {**changed, "expires": _expiry()})

    def _update(self, folder: str, changes: str, values: dict[str, Any], condition: str = "") -> None:
        request: dict[str, Any] = {"ConditionExpression": condition} if condition else {}
        self._client.update_item(
            TableName=self._table,
            Key=items.drop_key(folder),
            UpdateExpression=changes,
            ExpressionAttributeValues=items.values(**values),
            **request,
        )

    def _get(self, folder: str) -> items.Item:
        answer = self._client.get_item(TableName=self._table, Key=items.drop_key(folder), ConsistentRead=True)
        return dict(answer.get("Item", {}))


def _expiry() -> int:
    return clock.days_from_now(load(TableSettings).task_retention_days)


def _expiry_of(made: Made) -> int:
    """S3 deletes an expired file within a day or two; the memory of it lasts longer."""
    return FOREVER if made.expires_at is None else max(_expiry(), made.expires_at + 7 * _DAY_SECONDS)
