"""Images too big for a request's body: a place to upload to, and a reference that is usable wherever an image is."""

from __future__ import annotations

import re
import uuid

from pydantic import BaseModel, Field

from kiln import aws, clock, s3
from kiln.images.inputs import S3Image
from kiln.images.inspection import ImageViolation
from kiln.images.limits import IMAGE_BYTES
from kiln.images.stored import check_stored
from kiln.settings import InputSettings, load

SCHEME = "kiln-upload://"
UPLOAD_SECONDS = 900
"""How long a place to upload to stays open."""

_REFERENCE = re.compile(r"kiln-upload://([0-9a-f]{32})")


class Upload(BaseModel, defer_build=True):
    """A place to upload one image to, by an HTML form's POST."""

    url: str = Field(description="Where to POST the form")
    fields: dict[str, str] = Field(description="Fields of the form, to come before the field `file`")
    reference: str = Field(description="Usable wherever an image is, once the image is uploaded")
    max_bytes: int = Field(default=IMAGE_BYTES, description="Refused by S3 above this")
    expires_at: int = Field(description="When the place closes, milliseconds since the epoch")


def open_upload(caller: str) -> Upload:
    """Opens a place for one image of a caller; S3 itself refuses more than 10 MB (``content-length-range``)."""
    upload_id = uuid.uuid4().hex
    post = aws.s3().generate_presigned_post(
        load(InputSettings).inputs_bucket,
        _key(caller, upload_id),
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
    """The uploads that a caller's request may name; each is looked at when it is named, and once.

    Args:
        caller: Whose they are.
    """

    def __init__(self, caller: str) -> None:
        self._caller = caller
        self._found: dict[str, S3Image] = {}

    def get(self, name: str, /) -> S3Image | None:
        """The upload of this reference, checked against the contract; ``None`` for a text that is no reference.

        Raises:
            ImageViolation: Nothing was uploaded there by this caller, or it is not an image the contract allows.
        """
        reference = _REFERENCE.fullmatch(name)
        if reference is None:
            return None
        if name not in self._found:
            bucket = load(InputSettings).inputs_bucket
            file = s3.head(bucket, _key(self._caller, reference[1]))
            if file is None:
                raise ImageViolation("must have been uploaded first", f"nothing at {name}")
            self._found[name] = check_stored(file)
        return self._found[name]

    def contents(self) -> dict[str, str]:
        """What tells the content of each upload that was named, by its reference."""
        return {name: image.etag for name, image in self._found.items()}


def _key(caller: str, upload_id: str) -> str:
    return f"uploads/{caller}/{upload_id}"
