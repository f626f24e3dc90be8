"""Reads objects of S3: what an object is, and its bytes up to a bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kiln import aws

_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})


@dataclass(frozen=True)
class S3Object:
    """One object as S3 describes it.

    Attributes:
        bucket: The bucket that holds it.
        key: The object's key.
        etag: Tells one content from another.
        size: In bytes.
        version_id: The version that was read, so that a later overwrite does not change a task under way.
        metadata: The object's own (``x-amz-meta-…``).
        content: The bytes, when they were asked for.
    """

    bucket: str
    key: str
    etag: str
    size: int
    version_id: str | None
    metadata: Mapping[str, str]
    content: bytes = b""


def head(bucket: str, key: str) -> S3Object | None:
    """What is known of an object without reading it, or ``None`` when it is not there."""
    try:
        answer = aws.s3().head_object(Bucket=bucket, Key=key)
    except Exception as error:
        if aws.error_code(error) in _ABSENT:
            return None
        raise
    return _object(bucket, key, answer)


def read(bucket: str, key: str, *, most: int) -> S3Object | None:
    """An object with its bytes (at most one more than ``most``), or ``None`` when it is not there."""
    try:
        answer = aws.s3().get_object(Bucket=bucket, Key=key)
    except Exception as error:
        if aws.error_code(error) in _ABSENT:
            return None
        raise
    return _object(bucket, key, answer, answer["Body"].read(most + 1))


def beginning(found: S3Object, amount: int) -> bytes:
    """The first ``amount`` bytes of the version of an object that was found."""
    version: dict[str, Any] = {"VersionId": found.version_id} if found.version_id else {}
    answer = aws.s3().get_object(Bucket=found.bucket, Key=found.key, Range=f"bytes=0-{amount - 1}", **version)
    return answer["Body"].read()


def _object(bucket: str, key: str, answer: Mapping[str, Any], content: bytes = b"") -> S3Object:
    return S3Object(
        bucket=bucket,
        key=key,
        etag=answer["ETag"],
        size=answer["ContentLength"],
        version_id=answer.get("VersionId"),
        metadata=answer.get("Metadata", {}),
        content=content,
    )
