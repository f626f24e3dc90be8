"""What happens when an object arrives in the inbox bucket: which folder, or which single image, it concerns."""

from __future__ import annotations

from kiln import clock
from kiln.drops import result_file
from kiln.drops.folder import folder_changed
from kiln.drops.job_file import DEFAULTS_FILE, JOB_FILE
from kiln.drops.single_image import single_image
from kiln.errors import InvalidRequest, KilnError
from kiln.tasks.task import Origin, Task

KEY_BYTES = 900
"""The longest key of a dropped object: the key of its answer must fit into S3's 1,024 bytes."""


def object_arrived(bucket: str, key: str, checked: set[str] | None = None) -> list[Task]:
    """Handles one new object of the inbox.

    Args:
        bucket: The inbox.
        key: The object's key.
        checked: Folders that were read after this object arrived and need no second check. The object's folder is
            added.

    Returns:
        The tasks that the object completed.
    """
    folder, _, name = key.rpartition("/")
    if not name:
        return []  # The marker of a folder, as the S3 console makes them.
    if folder and len(key.encode()) <= KEY_BYTES:
        checked = set() if checked is None else checked
        if name in (JOB_FILE, DEFAULTS_FILE):
            checked.add(folder)
            return folder_changed(bucket, folder, may_wait=True)
        return _file_arrived(bucket, folder, checked)
    seen_at = clock.milliseconds()
    try:
        if len(key.encode()) > KEY_BYTES:
            key = key.encode()[:KEY_BYTES].decode(errors="ignore")
            raise InvalidRequest(f"name: must be at most {KEY_BYTES} bytes with its folders")
        if name in (JOB_FILE, DEFAULTS_FILE):
            raise InvalidRequest(f"{name}: must be in a folder together with its images, got one at the top")
        return single_image(bucket, key, seen_at)
    except KilnError as error:
        result_file.write_refusal(Origin(channel="drop", folder=key), error, seen_at)
        return []


def _file_arrived(bucket: str, folder: str, checked: set[str]) -> list[Task]:
    """A job may name files in folders below its own: the job that this file completes is here or further up."""
    tasks: list[Task] = []
    while folder and not tasks and folder not in checked:
        checked.add(folder)
        tasks = folder_changed(bucket, folder)
        folder = folder.rpartition("/")[0]
    return tasks
