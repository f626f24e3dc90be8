"""The jobs of a folder: one ``job.json`` with one job or several, each filled up from ``defaults.json``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kiln import s3
from kiln.contract.request import named_images
from kiln.contract.violations import shown
from kiln.drops.names import DEFAULTS_FILE, JOB_FILE, folded, meant
from kiln.drops.texts import FILE_BYTES, json_of
from kiln.errors import InvalidRequest, MalformedRequest
from kiln.s3 import S3Object

MOST_JOBS = 100
"""A ``job.json`` lists at most so many jobs."""

FOLDERS_BELOW = 8
"""A job names files at most so many folders below its own, so that an arriving file looks no further up."""


@dataclass(frozen=True)
class Job:
    """One job of a folder.

    Attributes:
        body: The contract's create body; image fields may name files of the folder.
        file: The description that it was read from: ``job.json``, or ``prompt.txt``.
        part: Its number in the list, from 1; 0 for a folder's only job.
        parts: How many jobs the list has; 0 for a folder's only job.
        ignored: Files that it does not use.
    """

    body: Mapping[str, Any]
    file: S3Object
    part: int = 0
    parts: int = 0
    ignored: tuple[str, ...] = ()

    @property
    def canonical(self) -> str:
        """The body as text that is the same for the same content."""
        return json.dumps(self.body, sort_keys=True, ensure_ascii=False)

    def file_names(self) -> list[tuple[str, str]]:
        """The files that its image fields name: each as written, and the path that is meant.

        Raises:
            InvalidRequest: A name leads out of the folder, or too far down.
        """
        names = []
        for written in named_images(self.body):
            path = meant(written)
            if path is None:
                raise InvalidRequest(f"{JOB_FILE}: must name files within its folder, got '{written[:80]}'")
            if path.count("/") > FOLDERS_BELOW:
                limit = f"must name files at most {FOLDERS_BELOW} folders below its own"
                raise InvalidRequest(f"{JOB_FILE}: {limit}, got '{written[:80]}'")
            names.append((written, path))
        return names

    def names_any(self, paths: list[str]) -> bool:
        """Whether it names one of these files, in any case."""
        return not self._folded_paths.isdisjoint(map(folded, paths))

    @cached_property
    def _folded_paths(self) -> frozenset[str]:
        paths = [meant(written) for written in named_images(self.body)]
        return frozenset(folded(path) for path in paths if path is not None)


@dataclass(frozen=True)
class JobList:
    """The jobs of a folder.

    Attributes:
        jobs: At least one.
        batch: What identifies the list by its content.
    """

    jobs: list[Job]
    batch: str

    @property
    def file(self) -> S3Object:
        """The ``job.json``."""
        return self.jobs[0].file

    @property
    def modified_at(self) -> int:
        """When ``job.json`` was uploaded, in seconds since the epoch."""
        return self.file.modified_at

    @property
    def is_several(self) -> bool:
        """Whether ``job.json`` is a list, even of one."""
        return self.jobs[0].parts > 0


def read_jobs(bucket: str, folder: str, name: str = JOB_FILE, defaults_name: str = DEFAULTS_FILE) -> JobList | None:
    """The jobs of a folder, or ``None`` while it has no ``job.json``.

    ``job.json`` is a job, ``{"jobs": [job, …]}`` or ``[job, …]``.

    Raises:
        MalformedRequest: A file is not JSON of that form (1200).
        InvalidRequest: There are too few or too many jobs (1201).
    """
    file = s3.read(bucket, f"{folder}/{name}", most=FILE_BYTES)
    if file is None:
        return None
    asked = json_of(JOB_FILE, file.content)
    given = s3.read(bucket, f"{folder}/{defaults_name}", most=FILE_BYTES)
    defaults = json_of(DEFAULTS_FILE, given.content) if given is not None else {}
    if not isinstance(defaults, dict):
        raise MalformedRequest(f"{DEFAULTS_FILE}: must be a JSON object, got {shown(defaults)}")
    batch = hashlib.sha256(file.content + b"\0" + (given.content if given is not None else b"")).hexdigest()
    file = file.without_content()
    if isinstance(asked, dict) and "jobs" in asked:
        asked = asked["jobs"]
        if not isinstance(asked, list):
            raise MalformedRequest(f"{JOB_FILE}: jobs must be a list, got {shown(asked)}")
    elif isinstance(asked, dict):
        return JobList([Job({**defaults, **asked}, file)], batch)
    if not isinstance(asked, list):
        raise MalformedRequest(f"{JOB_FILE}: must be a JSON object or a list of them, got {shown(asked)}")
    if not 1 <= len(asked) <= MOST_JOBS:
        raise InvalidRequest(f"{JOB_FILE}: must list 1 to {MOST_JOBS} jobs, got {len(asked)}")
    if not all(isinstance(each, dict) for each in asked):
        raise MalformedRequest(f"{JOB_FILE}: each job must be a JSON object")
    jobs = [Job({**defaults, **each}, file, part, len(asked)) for part, each in enumerate(asked, start=1)]
    return JobList(jobs, batch)
