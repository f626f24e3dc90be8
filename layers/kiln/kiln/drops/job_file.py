"""What a folder's ``job.json`` asks for: one job, or several, each filled up from the folder's ``defaults.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from kiln import s3
from kiln.contract.request import named_images
from kiln.errors import InvalidRequest, MalformedRequest

JOB_FILE = "job.json"
DEFAULTS_FILE = "defaults.json"

FILE_BYTES = 1024 * 1024
"""``job.json`` and ``defaults.json``: at most 1 MiB each."""

MOST_JOBS = 100
"""A ``job.json`` lists at most so many jobs."""


@dataclass(frozen=True)
class Job:
    """One job of a folder.

    Attributes:
        body: The contract's create body; image fields may name files of the folder.
        part: Its number in the list, from 1; 0 for a folder's only job.
        parts: How many jobs the list has; 0 for a folder's only job.
        version: Of the ``job.json``, so that one that is dropped anew is told from one that is told of again.
    """

    body: Mapping[str, Any]
    part: int = 0
    parts: int = 0
    version: str = ""

    @property
    def canonical(self) -> str:
        """The body as text that is the same for the same content."""
        return json.dumps(self.body, sort_keys=True, ensure_ascii=False)

    def file_names(self) -> list[str]:
        """The files that its image fields name.

        Raises:
            InvalidRequest: A name leads out of the folder.
        """
        names = named_images(self.body)
        for name in names:
            if name.startswith("/") or ".." in name.split("/"):
                raise InvalidRequest(f"{JOB_FILE}: must name files within its folder, got '{name[:80]}'")
        return names


def read_jobs(bucket: str, folder: str) -> list[Job] | None:
    """The jobs of a folder, or ``None`` while it has no ``job.json``.

    ``job.json`` is a job, ``{"jobs": [job, …]}`` or ``[job, …]``.

    Raises:
        MalformedRequest: A file is not JSON of that form (1200).
        InvalidRequest: There are too few or too many jobs (1201).
    """
    file = s3.read(bucket, f"{folder}/{JOB_FILE}", most=FILE_BYTES)
    if file is None:
        return None
    version = file.version_id or ""
    asked = _json(JOB_FILE, file.content)
    given = s3.read(bucket, f"{folder}/{DEFAULTS_FILE}", most=FILE_BYTES)
    defaults = _json(DEFAULTS_FILE, given.content) if given is not None else {}
    if not isinstance(defaults, dict):
        raise MalformedRequest(f"{DEFAULTS_FILE}: must be a JSON object, got {type(defaults).__name__}")
    if isinstance(asked, dict) and "jobs" in asked:
        asked = asked["jobs"]
    elif isinstance(asked, dict):
        return [Job({**defaults, **asked}, version=version)]
    if not isinstance(asked, list):
        raise MalformedRequest(f"{JOB_FILE}: must be a JSON object or a list of them, got {type(asked).__name__}")
    if not 1 <= len(asked) <= MOST_JOBS:
        raise InvalidRequest(f"{JOB_FILE}: must list 1 to {MOST_JOBS} jobs, got {len(asked)}")
    if not all(isinstance(each, dict) for each in asked):
        raise MalformedRequest(f"{JOB_FILE}: each job must be a JSON object")
    return [Job({**defaults, **each}, part, len(asked), version) for part, each in enumerate(asked, start=1)]


def _json(name: str, content: bytes) -> Any:
    if len(content) > FILE_BYTES:
        raise MalformedRequest(f"{name}: must be at most {FILE_BYTES} bytes")
    try:
        # Stricter than json.loads: no half characters, which nothing could be written with, and no depth without end.
        return from_json(content.decode("utf-8-sig"))
    except ValueError as error:
        raise MalformedRequest(f"{name}: must be JSON in UTF-8, got {str(error)[:120]}") from error
