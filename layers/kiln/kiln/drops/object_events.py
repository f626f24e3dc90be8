"""What happens when an object arrives in the inbox bucket: which folder, or which single image, it concerns."""

from __future__ import annotations

from kiln.drops import later, names, result_file
from kiln.drops.folder import file_arrived, job_file_arrived
from kiln.drops.reader import InboxReader
from kiln.drops.single_image import single_image
from kiln.errors import InvalidRequest, KilnError
from kiln.settings import InboxSettings, load
from kiln.tasks.task import Origin, Task

KEY_BYTES = 900
"""The longest key of a dropped object: the key of its answer must fit into S3's 1,024 bytes."""


def object_arrived(bucket: str, key: str, reader: InboxReader | None = None) -> list[Task]:
    """Handles one new object of the inbox.

    Args:
        bucket: The inbox.
        key: The object's key.
        reader: Of the batch of messages that the object is in; one of its own if not given.

    Returns:
        The tasks that the object completed.
    """
    folder, _, name = key.rpartition("/")
    if not name or names.is_system_file(key):
        return []  # The marker of a folder, as the S3 console makes them, or a file that no person means.
    reader = reader or InboxReader()
    if len(key.encode()) > KEY_BYTES:
        error = InvalidRequest(f"name: must be at most {KEY_BYTES} bytes with its folders")
        _refuse(reader, key.encode()[:KEY_BYTES].decode(errors="ignore"), error)
        return []
    if not folder:
        return _at_the_top(reader, bucket, key)
    if names.is_named(name, names.JOB_FILE):
        reader.note(folder, job=name)
        return job_file_arrived(reader, bucket, folder)
    if names.is_named(name, names.DEFAULTS_FILE):
        reader.note(folder, defaults=name)
        return job_file_arrived(reader, bucket, folder)
    if names.is_named(name, names.PROMPT_FILE):
        reader.note(folder, prompt=name)
        later.check_later(bucket, folder, load(InboxSettings).quiet_seconds)
        return []
    return file_arrived(reader, bucket, folder, name)


def _at_the_top(reader: InboxReader, bucket: str, key: str) -> list[Task]:
    try:
        if any(names.is_named(key, each) for each in (names.JOB_FILE, names.DEFAULTS_FILE, names.PROMPT_FILE)):
            raise InvalidRequest(f"{key}: must be in a folder together with its images, got one at the top")
        return single_image(bucket, key, reader.seen_at)
    except KilnError as error:
        _refuse(reader, key, error)
        return []


def _refuse(reader: InboxReader, folder: str, error: KilnError) -> None:
    result_file.write_refusal(Origin(channel="drop", folder=folder), error, reader.seen_at)
