"""Reads the inbox bucket: what a dropped file is, and whether it is an image the contract allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kiln import aws
from kiln.errors import InvalidRequest
from kiln.images.inputs import StoredImage
from kiln.images.inspection import ImageViolation, check_shape, check_size, inspect

_HEAD_BYTES = 256 * 1024
_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})


@dataclass(frozen=True)
class DroppedFile:
    """One object of the inbox.

    Attributes:
        key: Of the object.
        etag: Tells one content from another.
        size: In bytes.
        version_id: Of the content seen, so that a later overwrite does not change a task under way.
        metadata: The object's own (``x-amz-meta-…``).
        content: The bytes, when they were asked for.
    """

    key: str
    etag: str
    size: int
    version_id: str | None
    metadata: Mapping[str, str]
    content: bytes = b""


def head(bucket: str, key: str) -> DroppedFile | None:
    """What is known of an object without reading it, or ``None`` when it is not there."""
    try:
        answer = aws.s3().head_object(Bucket=bucket, Key=key)
    except Exception as error:
        if aws.error_code(error) in _ABSENT:
            return None
        raise
    return _file(key, answer)


def read(bucket: str, key: str, *, most: int) -> DroppedFile | None:
    """An object with its bytes (one more than ``most`` at the most), or ``None`` when it is not there."""
    try:
        answer = aws.s3().get_object(Bucket=bucket, Key=key)
    except Exception as error:
        if aws.error_code(error) in _ABSENT:
            return None
        raise
    return _file(key, answer, answer["Body"].read(most + 1))


def checked(bucket: str, file: DroppedFile, name: str) -> StoredImage:
    """Checks a dropped image against the contract.

    Raises:
        InvalidRequest: It breaks a limit; the message begins with its name.
    """
    try:
        return check(bucket, file)
    except ImageViolation as violation:
        raise InvalidRequest(f"{name}: {violation}, got {violation.came}") from violation


def check(bucket: str, file: DroppedFile) -> StoredImage:
    """Checks an image in S3 against the contract, reading no more of it than its beginning if that is enough.

    Raises:
        ImageViolation: It breaks a limit.
    """
    check_size(file.size)
    beginning = _beginning(bucket, file, _HEAD_BYTES)
    try:
        facts = inspect(beginning)
    except ImageViolation:
        if len(beginning) >= file.size:
            raise
        facts = inspect(_beginning(bucket, file, file.size))
    check_shape(facts)
    return StoredImage(bucket=bucket, key=file.key, version_id=file.version_id, etag=file.etag)


def _beginning(bucket: str, file: DroppedFile, amount: int) -> bytes:
    version: dict[str, Any] = {"VersionId": file.version_id} if file.version_id else {}
    answer = aws.s3().get_object(Bucket=bucket, Key=file.key, Range=f"bytes=0-{amount - 1}", **version)
    return answer["Body"].read()


def _file(key: str, answer: Mapping[str, Any], content: bytes = b"") -> DroppedFile:
    return DroppedFile(
        key=key,
        etag=answer["ETag"],
        size=answer["ContentLength"],
        version_id=answer.get("VersionId"),
        metadata=answer.get("Metadata", {}),
        content=content,
    )
