"""Reads the inbox for one batch of messages: each object, folder, job list and note once."""

from __future__ import annotations

from kiln import clock, s3
from kiln.drops.job_file import JobList, read_jobs
from kiln.drops.ledger import DropLedger, Notes
from kiln.drops.names import DEFAULTS_FILE, JOB_FILE, folded
from kiln.errors import InvalidRequest, KilnError
from kiln.s3 import ListedFile, S3Object
from kiln.settings import TableSettings, load


class InboxReader:
    """The inbox as one batch of messages finds it.

    The objects of a batch exist before the batch does, so one look at each is enough.

    Attributes:
        seen_at: No later than anything that was read, in milliseconds since the epoch.
    """

    def __init__(self) -> None:
        self.seen_at = clock.milliseconds()
        self._heads: dict[tuple[str, str], S3Object | None] = {}
        self._lists: dict[tuple[str, str], list[ListedFile]] = {}
        self._notes: dict[str, Notes] = {}
        # One folder's jobs at a time: they may be a megabyte of text.
        self._jobs: tuple[tuple[str, str], JobList | KilnError | None] | None = None

    def head(self, bucket: str, key: str) -> S3Object | None:
        """An object without its bytes, or ``None`` if it is not there."""
        if (bucket, key) not in self._heads:
            self._heads[bucket, key] = s3.head(bucket, key)
        return self._heads[bucket, key]

    def files(self, bucket: str, folder: str) -> list[ListedFile]:
        """The files that lie directly in a folder."""
        if (bucket, folder) not in self._lists:
            self._lists[bucket, folder] = s3.list_files(bucket, folder)
        return self._lists[bucket, folder]

    def find(self, bucket: str, folder: str, path: str) -> S3Object | None:
        """A file by the path that a job names: written exactly so, or else the only one that looks the same.

        Raises:
            InvalidRequest: Several files may be meant.
        """
        found = self.head(bucket, f"{folder}/{path}")
        if found is not None:
            return found
        below, _, name = f"{folder}/{path}".rpartition("/")
        alike = [file.name for file in self.files(bucket, below) if folded(file.name) == folded(name)]
        if len(alike) > 1:
            raise InvalidRequest(f"{path}: must be one file, got {' and '.join(alike)}")
        return self.head(bucket, f"{below}/{alike[0]}") if alike else None

    def notes(self, folder: str) -> Notes:
        """What is known of a folder without a look into it."""
        if folder not in self._notes:
            self._notes[folder] = DropLedger().notes(folder)
        return self._notes[folder]

    def note(self, folder: str, **names: str) -> None:
        """Records a job file of a folder before the folder is read."""
        known = self.notes(folder)
        if any(getattr(known, kind) != name for kind, name in names.items()):
            DropLedger().note(folder, **names)
            self._notes[folder] = DropLedger().notes(folder)

    def is_forgotten(self, folder: str, modified_at: int) -> bool:
        """Whether a job file is so old that its tasks have expired, and no note of it is left.

        It was handled when it arrived, so a file that arrives now must not begin it again.
        """
        notes = self.notes(folder)
        kept_seconds = load(TableSettings).task_retention_days * 86_400
        return not notes.job and not notes.prompt and modified_at < self.seen_at // 1_000 - kept_seconds

    def jobs(self, bucket: str, folder: str) -> JobList | None:
        """The jobs of a folder, or ``None`` while it has none.

        Raises:
            KilnError: ``job.json`` or ``defaults.json`` is wrong.
        """
        notes = self.notes(folder)
        names = (notes.job or JOB_FILE, notes.defaults or DEFAULTS_FILE)
        of = (bucket, "/".join((folder, *names)))
        if self._jobs is None or self._jobs[0] != of:
            read: JobList | KilnError | None
            try:
                read = read_jobs(bucket, folder, *names)
            except KilnError as error:
                read = error
            self._jobs = of, read
        known = self._jobs[1]
        if isinstance(known, KilnError):
            raise known
        return known
