"""Images too big for a request's body: a place to upload to, and a reference that is usable wherever an image is."""

from __future__ import annotations

import re
import uuid

from pydantic import BaseModel, Field

from kiln import aws, clock, s3
from kiln.auth.callers import Caller, minute_limit
from kiln.contract.request import CreateRequest
from kiln.errors import InvalidRequest, TooManyUploads
from kiln.images.inputs import S3Image
from kiln.images.inspection import ImageViolation, check_size
from kiln.images.limits import IMAGE_BYTES
from kiln.images.stored_check import check_stored
from kiln.s3 import S3Object
from kiln.settings import InputSettings, load
from kiln.tasks.admission import Admission

SCHEME = "kiln-upload://"
UPLOAD_SECONDS = 900
"""How long a place to upload to stays open."""

UPLOADS_PER_TASK = 6
"""A caller may open as many uploads a minute as its tasks of a minute can name."""

_REFERENCE = re.compile(r"kiln-upload://([0-9a-f]{32})")


class Upload(BaseModel, defer_build=True):
    """An upload of one image, by an HTML form's POST."""

    url: str = Field(description="Where to POST the form")
    fields: dict[str, str] = Field(description="Fields of the form; they must precede the field `file`")
    reference: str = Field(description="Use it in place of an image once the image is uploaded")
    max_bytes: int = Field(default=IMAGE_BYTES, description="Refused by S3 above this")
    expires_at: int = Field(description="When the upload expires, milliseconds since the epoch")


def open_upload(caller: Caller) -> Upload:
    """Opens a place for one image of a caller; S3 itself refuses more than 10 MB (``content-length-range``).

    Raises:
        TooManyUploads: The caller has opened as many in this minute as it may (1302).
    """
    Admission().count(caller.name, per_minute=UPLOADS_PER_TASK * minute_limit(caller), kind=TooManyUploads)
    upload_id = uuid.uuid4().hex
    post = aws.s3().generate_presigned_post(
        load(InputSettings).inputs_bucket,
        _key(caller.name, upload_id),
        Conditions=[["content-length-range", 1, IMAGE_BYTES]],
        ExpiresIn=UPLOAD_SECONDS,
    )
    return Upload(
        url=post["url"],
        fields=post["fields"],
        reference=SCHEME + upload_id,
        expires_at=clock.milliseconds() + UPLOAD_SECONDS * 1_000,
    )


class Uploads:
    """The uploads that a caller's request may name; S3 is asked once for each, and its content is read by ``check``.

    Args:
        caller: The name of the caller that has opened them.
    """

    def __init__(self, caller: str) -> None:
        self._caller = caller
        self._found: dict[str, S3Object] = {}
        self._checked: set[str] = set()

    def get(self, name: str, /) -> S3Image | None:
        """The upload of this reference, not yet read; ``None`` for a string that is no reference.

        Raises:
            ImageViolation: Nothing was uploaded there by this caller, or it is too large.
        """
        reference = _REFERENCE.fullmatch(name)
        if reference is None:
            return None
        if name not in self._found:
            bucket = load(InputSettings).inputs_bucket
            file = s3.head(bucket, _key(self._caller, reference[1]))
            if file is None:
                raise ImageViolation("must have been uploaded first", f"nothing at {name}")
            check_size(file.size)
            self._found[name] = file
        found = self._found[name]
        return S3Image(bucket=found.bucket, key=found.key, version_id=found.version_id, etag=found.etag)

    @property
    def size(self) -> int:
        """The bytes of all uploads that were named."""
        return sum(file.size for file in self._found.values())

    def contents(self) -> dict[str, str]:
        """The ETag of each upload that was named, by its reference."""
        return {name: image.etag for name, image in self._found.items()}

    def check(self, request: CreateRequest) -> None:
        """Reads the uploads that a request names, each once, until one breaks the contract.

        Raises:
            InvalidRequest: One does; the message names its field (1201).
        """
        left = {file.key: file for file in self._found.values()}
        for field, image in request.images():
            file = left.pop(image.stored.key, None) if image.stored else None
            if file is None or file.key in self._checked:
                continue
            try:
                check_stored(file)
                self._checked.add(file.key)
            except ImageViolation as violation:
                raise InvalidRequest(f"{field}: {violation}, got {violation.got}") from violation


def _key(caller: str, upload_id: str) -> str:
    return f"uploads/{caller}/{upload_id}"
