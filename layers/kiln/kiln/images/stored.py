"""Images that lie in S3, as a task keeps them: its inputs and its results."""

from __future__ import annotations

from pydantic import BaseModel


class StoredInput(BaseModel, defer_build=True):
    """One input image of an accepted task: a URL, or an object in S3."""

    field: str
    url: str | None = None
    bucket: str | None = None
    key: str | None = None
    version_id: str | None = None


class StoredFile(BaseModel, defer_build=True):
    """One file in the outbox bucket.

    Attributes:
        key: Key of the object.
        size: In bytes.
        sha256: Of the bytes, in hexadecimal.
        width: In pixels; ``None`` if it cannot be read.
        height: In pixels; ``None`` if it cannot be read.
        content_type: By content.
    """

    key: str
    size: int
    sha256: str
    width: int | None = None
    height: int | None = None
    content_type: str


class PreviewFile(BaseModel, defer_build=True):
    """The preview of a generated image, in the outbox bucket beside it.

    Attributes:
        key: Key of the object.
        size: In bytes.
        content_type: Of the preview; the image's own may be another.
    """

    key: str
    size: int
    content_type: str


class StoredImage(StoredFile):
    """One generated image in the outbox bucket.

    Attributes:
        index: Number within the task, from 0.
        watermarked: The same image with a watermark, if the task asked for one and the provider made it.
        preview: A small copy of the image; ``None`` if none could be made.
    """

    index: int
    watermarked: StoredFile | None = None
    preview: PreviewFile | None = None
