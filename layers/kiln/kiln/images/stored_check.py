"""Checks an image that lies in S3 against the contract."""

from __future__ import annotations

from kiln import s3
from kiln.images.inputs import S3Image
from kiln.images.inspection import check_input, check_size
from kiln.s3 import S3Object


def check_stored(found: S3Object) -> S3Image:
    """Reads an image in S3 and checks it against the contract, in one request.

    Raises:
        ImageViolation: It breaks a limit.
    """
    check_size(found.size)
    check_input(s3.beginning(found, found.size))
    return S3Image(bucket=found.bucket, key=found.key, version_id=found.version_id, etag=found.etag)
