"""The check of a dropped image against the contract."""

from __future__ import annotations

from dataclasses import replace

from kiln.errors import InvalidRequest
from kiln.images.inputs import S3Image
from kiln.images.inspection import ImageViolation
from kiln.images.stored_check import check_stored
from kiln.s3 import S3Object


def checked_image(found: S3Object, name: str) -> S3Image:
    """Checks a dropped image against the contract.

    Raises:
        InvalidRequest: It breaks a limit; the message begins with the image's name.
    """
    try:
        image = check_stored(found)
    except ImageViolation as violation:
        raise InvalidRequest(f"{name}: {violation}, got {violation.got}") from violation
    # HTTP clients shorten a path with "." or ".." in it, so that no link to such a key works: the task keeps a copy.
    return replace(image, version_id=None) if {".", ".."} & set(found.key.split("/")) else image
