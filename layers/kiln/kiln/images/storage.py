"""Stores images in S3: bytes go through signed links, a third of what the SDK's own ``PutObject`` costs in CPU."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import urllib3

from kiln import aws
from kiln.trust import public_context

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

CONNECTIONS = 6
"""As many images as a request can bring at once; results come fewer at a time."""

_LINK_SECONDS = 900
# Bytes that are at hand can be sent again, as the SDK would.
_RETRIES = urllib3.Retry(
    3, redirect=0, status_forcelist=(429, 500, 502, 503, 504), backoff_factor=0.2, raise_on_status=False
)


class StorageFailed(Exception):
    """S3 refused the bytes or could not be reached; the message says with what, and holds no link."""


class _AsSigned(urllib3.PoolManager):
    """Sends the path of a signed link as it was signed: a pool manager itself removes ``.`` and ``..`` from it."""

    def urlopen(self, method: str, url: str, redirect: bool = True, **kw: Any) -> urllib3.BaseHTTPResponse:  # type: ignore[override]
        path = urlsplit(url).path
        if redirect or {".", ".."}.isdisjoint(path.split("/")):
            return super().urlopen(method, url, redirect=redirect, **kw)
        target = url[url.index("/", url.index("//") + 2) :]
        return self.connection_from_url(url).urlopen(method, target, redirect=False, assert_same_host=False, **kw)


@cache
def http() -> urllib3.PoolManager:
    """The connections that image bytes go over, in both directions."""
    timeout = urllib3.Timeout(connect=5, read=30)
    return _AsSigned(maxsize=CONNECTIONS, timeout=timeout, retries=False, ssl_context=public_context())


def store_copy(bucket: str, key: str, source: CopySourceTypeDef, **conditions: Any) -> None:
    """Copies an image within S3, without its tags: to read and to write tags needs separate permissions.

    Args:
        bucket: Of the copy.
        key: Of the copy.
        source: Bucket, key and perhaps version of the image.
        conditions: Of S3's ``CopyObject``.

    Raises:
        ClientError: S3 refused.
    """
    aws.s3().copy_object(Bucket=bucket, Key=key, CopySource=source, TaggingDirective="REPLACE", **conditions)


def store(bucket: str, key: str, content: bytes, content_type: str) -> None:
    """Stores an image that is at hand; S3 compares it with its CRC-32, and a failure of S3 is tried again.

    Raises:
        StorageFailed: S3 refused it or could not be reached.
    """
    checksum = base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()
    parameters = {"Bucket": bucket, "Key": key, "ContentType": content_type, "ChecksumCRC32": checksum}
    link = aws.s3().generate_presigned_url("put_object", Params=parameters, ExpiresIn=_LINK_SECONDS)
    headers = {
        "Content-Type": content_type,
        "Content-Length": str(len(content)),
        "x-amz-checksum-crc32": checksum,
    }
    try:
        answer = http().request("PUT", link, body=content, headers=headers, redirect=False, retries=_RETRIES)
    except urllib3.exceptions.HTTPError as error:
        # Its text contains the signed link, which must not reach a log.
        raise StorageFailed(f"S3 cannot be reached: {type(error).__name__}") from None
    _accept(answer)


def store_stream(
    bucket: str,
    key: str,
    chunks: Iterable[bytes],
    length: int,
    content_type: str,
    *,
    s3: S3Client | None = None,
    pool: urllib3.PoolManager | None = None,
) -> None:
    """Stores an image as it comes, once through; S3 keeps nothing of one that ends before its ``length``.

    Raises:
        StorageFailed: S3 refused it.
        urllib3.exceptions.HTTPError: The connection broke.
    """
    parameters = {"Bucket": bucket, "Key": key, "ContentType": content_type}
    link = (s3 or aws.s3()).generate_presigned_url("put_object", Params=parameters, ExpiresIn=_LINK_SECONDS)
    headers = {"Content-Type": content_type, "Content-Length": str(length)}
    _accept((pool or http()).request("PUT", link, body=chunks, headers=headers, redirect=False))


def read(bucket: str, key: str) -> bytes:
    """The bytes of a stored image; a failure of S3 is tried again.

    Raises:
        StorageFailed: S3 refused to give it or could not be reached.
    """
    link = aws.s3().generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=_LINK_SECONDS)
    try:
        answer = http().request("GET", link, redirect=False, retries=_RETRIES)
    except urllib3.exceptions.HTTPError as error:
        # Its text contains the signed link, which must not reach a log.
        raise StorageFailed(f"S3 cannot be reached: {type(error).__name__}") from None
    _accept(answer)
    return answer.data


def _accept(answer: urllib3.BaseHTTPResponse) -> None:
    if answer.status != 200:
        raise StorageFailed(f"S3 answered HTTP {answer.status}")
