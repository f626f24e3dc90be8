"""Reads S3: an object's description, its bytes up to a bound, and the files of one folder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from kiln import aws

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

LISTED_FILES = 1_000
"""A folder is listed up to this many files: one page of S3."""

_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
_EXPIRY_DATE = re.compile(r'expiry-date="([^"]+)"')


class NotDeleted(RuntimeError):
    """S3 did not delete a file; it may delete it later."""


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
        modified_at: When it was uploaded, in seconds since the epoch.
        expires_at: When the bucket's lifecycle deletes it, in seconds since the epoch; ``None`` if it does not.
    """

    bucket: str
    key: str
    etag: str
    size: int
    version_id: str | None
    metadata: Mapping[str, str]
    content: bytes = b""
    modified_at: int = 0
    expires_at: int | None = None

    def without_content(self) -> S3Object:
        """The same object, but for the bytes."""
        return replace(self, content=b"")


@dataclass(frozen=True)
class ListedFile:
    """One file of a folder, as a listing shows it.

    Attributes:
        name: Without its folder.
        modified_at: When it was uploaded, in seconds since the epoch.
    """

    name: str
    modified_at: int


@contextmanager
def _absent_is_none() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if aws.error_code(error) not in _ABSENT:
            raise


def head(bucket: str, key: str) -> S3Object | None:
    """Describes an object without reading it; ``None`` when it is not there."""
    with _absent_is_none():
        return _object(bucket, key, aws.s3().head_object(Bucket=bucket, Key=key))
    return None


def read(bucket: str, key: str, *, most: int) -> S3Object | None:
    """An object with its bytes (at most one more than ``most``), or ``None`` when it is not there."""
    with _absent_is_none():
        answer = aws.s3().get_object(Bucket=bucket, Key=key)
        return _object(bucket, key, answer, answer["Body"].read(most + 1))
    return None


def beginning(found: S3Object, amount: int) -> bytes:
    """The first ``amount`` bytes of the version of an object that was found."""
    version: dict[str, Any] = {"VersionId": found.version_id} if found.version_id else {}
    answer = aws.s3().get_object(Bucket=found.bucket, Key=found.key, Range=f"bytes=0-{amount - 1}", **version)
    return answer["Body"].read()


def list_files(bucket: str, folder: str) -> list[ListedFile]:
    """The files that lie directly in a folder, by name; at most ``LISTED_FILES``, read in one call."""
    prefix = f"{folder}/"
    answer = aws.s3().list_objects_v2(Bucket=bucket, Prefix=prefix, Delimiter="/", MaxKeys=LISTED_FILES)
    return [
        ListedFile(each["Key"].removeprefix(prefix), int(each["LastModified"].timestamp()))
        for each in answer.get("Contents", [])
        if each["Key"] != prefix
    ]


def delete_files(bucket: str, prefix: str, *, below: bool = False) -> None:
    """Deletes the files whose keys begin so, with all their versions.

    Args:
        bucket: The bucket.
        prefix: How the keys begin.
        below: Whether files in folders below are deleted too.

    Raises:
        NotDeleted: S3 did not delete one.
    """
    listed: Any = {"Bucket": bucket, "Prefix": prefix, **({} if below else {"Delimiter": "/"})}
    # Not by botocore's paginator: the layer ships the paginators of DynamoDB alone.
    more = True
    while more:
        page = aws.s3().list_object_versions(**listed)
        more = bool(page.get("IsTruncated"))
        markers = {"KeyMarker": page.get("NextKeyMarker"), "VersionIdMarker": page.get("NextVersionIdMarker")}
        listed |= {name: marker for name, marker in markers.items() if marker}
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if not found:
            continue
        named: list[ObjectIdentifierTypeDef] = [{"Key": e["Key"], "VersionId": e["VersionId"]} for e in found]
        answer = aws.s3().delete_objects(Bucket=bucket, Delete={"Objects": named, "Quiet": True})
        if errors := answer.get("Errors"):
            raise NotDeleted(f"S3 did not delete {len(errors)} files: {errors[0].get('Code')}")


def _object(bucket: str, key: str, answer: Mapping[str, Any], content: bytes = b"") -> S3Object:
    return S3Object(
        bucket=bucket,
        key=key,
        etag=answer["ETag"],
        size=answer["ContentLength"],
        version_id=answer.get("VersionId"),
        metadata=answer.get("Metadata", {}),
        content=content,
        modified_at=int(answer["LastModified"].timestamp()),
        expires_at=_expiry(answer.get("Expiration", "")),
    )


def _expiry(header: str) -> int | None:
    date = _EXPIRY_DATE.search(header)
    try:
        return int(parsedate_to_datetime(date[1]).timestamp()) if date else None
    except ValueError:
        return None
